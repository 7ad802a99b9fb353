import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { ObjectFacts, ObjectRef, StoredObject, WriteOptions, WrittenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified } from './errors.ts'
import { show } from './publishing.ts'
import { fileOf } from './put.ts'
import { syncDirectory } from './syncing.ts'
import { newTime } from './versions.ts'

/** Bytes: of a larger file the calls are not what costs. */
const LARGEST_SMALL = 128 * 1024

/** The object's bytes are on the disk and proven; its name is when `proveWritten` says so. */
export async function write(
  store: DirectoryContext,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<WrittenObject> {
  const etag =
    (await writtenInThread(store, ref, body, facts, options)) ??
    (await show(store, ref, facts, options, fileOf(ref, body, facts, options))).etag
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

/** `undefined` for what is not small, or whose key may be taken, and for whatever the thread could not do. */
async function writtenInThread(
  { layout, smallFiles, directories }: DirectoryContext,
  ref: ObjectRef,
  body: Buffer,
  { size, sha256, crc32 }: ObjectFacts,
  { precondition, signal }: WriteOptions,
): Promise<string | undefined> {
  signal.throwIfAborted()
  if (size > LARGEST_SMALL || size !== body.length || precondition.kind !== 'absent') return undefined
  const path = layout.object(ref)
  await classified(`Writing ${ref.bucket}/${ref.key}`, () => directories.make(dirname(path)))
  const order = {
    temporary: join(layout.tmp, randomUUID()),
    path,
    facts: { size, sha256, crc32 },
    seconds: newTime(),
  }
  return await smallFiles.write(order, body)
}
