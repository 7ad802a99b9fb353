import { crc32Of, type ObjectFacts, type ObjectRef, type StoredObject, type WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { type Make, publish } from './publishing.ts'
import { writeProven } from './writing.ts'

export async function put(
  store: DirectoryContext,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  return await publish(store, ref, facts, options, fileOf(ref, body, facts, options))
}

/** Writes a body, which is to have these facts, as a new file. */
export function fileOf(ref: ObjectRef, body: Buffer, facts: ObjectFacts, { signal }: WriteOptions): Make {
  return async (temporary) => {
    if (body.length !== facts.size || crc32Of(body) !== facts.crc32) throw otherBytes(ref)
    return await writeProven(temporary, ref, facts, signal, (file) => file.writeFile(body, { signal }))
  }
}

function otherBytes(ref: ObjectRef): LadingError {
  return new LadingError(
    'store_checksum_mismatch',
    `The body for ${ref.bucket}/${ref.key} is not the file that was accepted: its size or CRC-32 differs.`,
  )
}
