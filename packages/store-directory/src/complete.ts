import { type FileHandle, open, rm } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { ObjectFacts, ObjectRef, PartReceipt, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified } from './errors.ts'
import { prove } from './objects.ts'
import { type PartFile, partsOf } from './parts.ts'
import { chunksOf } from './proof.ts'
import { publish } from './publishing.ts'
import { findUpload, removeUpload } from './uploads.ts'
import { writeProven } from './writing.ts'

/** As S3 has it, so that what works here works there (bytes). */
export const MIN_PART_SIZE = 5 * 1024 * 1024

export async function completeUpload(
  store: DirectoryContext,
  ref: ObjectRef,
  uploadId: string,
  parts: readonly PartReceipt[],
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  const doing = `Completing the upload to ${ref.bucket}/${ref.key}`
  return await classified(doing, () =>
    // Of two calls for one upload, the second finds the object of the first.
    store.locks.hold(`complete ${uploadId}`, async () => {
      try {
        return await complete(store, ref, uploadId, parts, facts, options)
      } catch (error) {
        if (!(error instanceof LadingError) || error.code !== 'store_upload_gone') throw error
        const there = await prove(store.layout.object(ref), facts, options.signal)
        if (there === undefined) throw error
        return there
      }
    }),
  )
}

async function complete(
  store: DirectoryContext,
  ref: ObjectRef,
  uploadId: string,
  parts: readonly PartReceipt[],
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  const directory = await findUpload(store, ref, uploadId)
  const chosen = choose(ref, parts, await partsOf(directory))
  const object = await publish(store, ref, facts, options, (temporary) =>
    writeProven(temporary, ref, facts, options.signal, async (file) => {
      for (const part of chosen) await append(file, ref, part, options.signal)
    }),
  )
  await removeUpload(store, directory)
  return object
}

function choose(ref: ObjectRef, wanted: readonly PartReceipt[], present: readonly PartFile[]): PartFile[] {
  const inOrder = wanted.toSorted((a, b) => a.partNumber - b.partNumber)
  return inOrder.map((part, index) => {
    if (part.size < MIN_PART_SIZE && index < inOrder.length - 1) throw tooSmall(ref, part)
    const file = present.find(({ partNumber, etag }) => partNumber === part.partNumber && etag === part.etag)
    if (file === undefined) throw damaged(ref, part)
    return file
  })
}

async function append(
  object: FileHandle,
  ref: ObjectRef,
  part: PartFile,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(part.path)
  let crc = 0
  let size = 0
  try {
    for await (const chunk of chunksOf(file, part.size, signal)) {
      crc = crc32(chunk, crc)
      size += chunk.length
      await object.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
  if (crc === part.crc32 && size === part.size) return
  // Cut by a power failure, perhaps: it is not listed again, so that it is sent again.
  await rm(part.path, { force: true })
  throw damaged(ref, part)
}

function tooSmall(ref: ObjectRef, { partNumber, size }: PartReceipt): LadingError {
  return new LadingError(
    'store_rejected',
    `Part ${partNumber} of ${ref.bucket}/${ref.key} has ${size} bytes; all but the last need ${MIN_PART_SIZE}.`,
  )
}

function damaged(ref: ObjectRef, { partNumber }: PartReceipt): LadingError {
  return new LadingError(
    'store_object_mismatch',
    `Part ${partNumber} of ${ref.bucket}/${ref.key} is not, or no longer, as it was sent. List the parts, and send ` +
      'again those that differ.',
  )
}
