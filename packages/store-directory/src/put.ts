import { crc32Of, type ObjectFacts, type ObjectRef, type StoredObject, type WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { publish } from './publishing.ts'
import { writeProven } from './writing.ts'

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
  const { signal } = options
  return await publish(store, ref, facts, options, (temporary) =>
    writeProven(temporary, ref, facts, signal, (file) => file.writeFile(body, { signal })),
  )
}
