import { crc32Of, type ObjectFacts, type ObjectRef, type StoredObject, type WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { type DirectoryContext, publish } from './publishing.ts'

export async function put(
  store: DirectoryContext,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  if (body.length !== facts.size || crc32Of(body) !== facts.crc32)
    throw new LadingError(
      'store_checksum_mismatch',
      `The body for ${ref.bucket}/${ref.key} is not the file that was accepted: its size or CRC-32 differs.`,
    )
  return await publish(store, ref, facts, options, (file) => file.writeFile(body, { signal: options.signal }))
}
