import { dirname } from 'node:path'
import {
  crc32Of,
  type ObjectFacts,
  type ObjectRef,
  type StoredObject,
  type WriteOptions,
  type WrittenObject,
} from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified } from './errors.ts'
import { type Make, publish, show } from './publishing.ts'
import { syncDirectory } from './syncing.ts'
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

/** The object's bytes are on the disk and proven; its name is when `proveWritten` says so. */
export async function write(
  store: DirectoryContext,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<WrittenObject> {
  const { etag } = await show(store, ref, facts, options, fileOf(ref, body, facts, options))
  return { ref, facts, etag, proof: undefined }
}

/** Flushes each directory once, however many objects are new in it. */
export async function proveWritten(
  { layout }: DirectoryContext,
  written: readonly WrittenObject[],
  signal: AbortSignal,
): Promise<(StoredObject | LadingError)[]> {
  const flushed = new Map<string, Promise<LadingError | undefined>>()
  const answers = written.map(async ({ ref, etag }) => {
    const directory = dirname(layout.object(ref))
    if (!flushed.has(directory)) flushed.set(directory, flush(directory, ref))
    return (await flushed.get(directory)) ?? { etag, proof: 'read-back' as const }
  })
  const settled = await Promise.all(answers)
  signal.throwIfAborted()
  return settled
}

async function flush(directory: string, { bucket, key }: ObjectRef): Promise<LadingError | undefined> {
  try {
    await classified(`Flushing the directory of ${bucket}/${key}`, () => syncDirectory(directory))
    return undefined
  } catch (error) {
    if (error instanceof LadingError) return error
    throw error
  }
}

function fileOf(ref: ObjectRef, body: Buffer, facts: ObjectFacts, { signal }: WriteOptions): Make {
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
