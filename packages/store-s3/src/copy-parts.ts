import { UploadPartCopyCommand } from '@aws-sdk/client-s3'
import type { ByteRange, ObjectFacts, ObjectRef, PartReceipt, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { decodeCrc32 } from './checksums.ts'
import { clearedOnFailure } from './clearing.ts'
import { complete } from './complete.ts'
import { orReplaced } from './conditional-write.ts'
import { type S3Context, STORE_COPIES_BYTES_PER_MS, sendPatiently } from './context.ts'
import { type CopySource, copySource } from './copy-source.ts'
import { incomplete } from './incomplete-reply.ts'
import { abortUpload, createUpload } from './multipart.ts'
import { proveWritten } from './verification.ts'

const LANES = 4
/** Bytes: large enough for few requests, small enough for one to be repeated. */
const USUAL_PART = 512 * 1024 * 1024
const MAX_PARTS = 10_000

/**
 * Copies an object into the parts of an upload and completes it, on the condition that every store with conditional
 * writes knows. Some stores take for the checksum of a range that of the whole source, and then refuse to complete the
 * upload although the source is proven (versitygw 1.8): they are asked for none from then on, and the copy is proven by
 * its other witnesses.
 */
export async function copyInParts(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions & { readonly maxPartSize: number },
): Promise<StoredObject> {
  const { takesChecksums, sumsCopiedParts } = s3.traits.of(to.bucket)
  if (takesChecksums && sumsCopiedParts) {
    try {
      return await uploadCopies(s3, source, to, facts, options)
    } catch (error) {
      const refused = error instanceof LadingError && error.code === 'store_checksum_mismatch'
      if (!refused || !source.proven) throw error
      s3.traits.learn(to.bucket, { sumsCopiedParts: false })
    }
  }
  const traits = s3.traits.assuming(to.bucket, { takesChecksums: false })
  return await uploadCopies({ ...s3, traits }, source, to, facts, options)
}

async function uploadCopies(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions & { readonly maxPartSize: number },
): Promise<StoredObject> {
  const { signal } = options
  const uploadId = await createUpload(s3, to, facts, signal)
  const work = async () => {
    const parts = await copyPieces(
      s3,
      source,
      to,
      uploadId,
      piecesOf(facts.size, options.maxPartSize),
      signal,
    )
    const reply = await complete(s3, to, uploadId, parts, facts, options).catch((error: unknown) => {
      throw orReplaced(error, to)
    })
    // What the store says of the parts is no evidence: it is its own word on bytes that were never sent to it.
    return await proveWritten(s3, to, facts, { etag: reply.ETag }, signal)
  }
  return await clearedOnFailure(work, (clearing) => abortUpload(s3, to, uploadId, clearing))
}

interface Piece {
  readonly partNumber: number
  /** Bytes. */
  readonly size: number
  /** Undefined: the whole object. */
  readonly range: ByteRange | undefined
}

/** A single part is copied whole: only sources over 5 MiB have ranges (UploadPartCopy, `x-amz-copy-source-range`). */
function piecesOf(size: number, maxPartSize: number): Piece[] {
  const partSize = Math.max(Math.min(USUAL_PART, maxPartSize), Math.ceil(size / MAX_PARTS))
  if (size <= partSize) return [{ partNumber: 1, size, range: undefined }]
  return Array.from({ length: Math.ceil(size / partSize) }, (_, index) => {
    const start = index * partSize
    const end = Math.min(start + partSize, size) - 1
    return { partNumber: index + 1, size: end - start + 1, range: { start, end } }
  })
}

/** When one fails, the others end before this does: an upload must not be aborted below requests that add to it. */
async function copyPieces(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  uploadId: string,
  pieces: readonly Piece[],
  signal: AbortSignal,
): Promise<PartReceipt[]> {
  const parts: PartReceipt[] = []
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const left = pieces.values()
  const lane = async () => {
    for (const piece of left) parts.push(await copyPart(s3, source, to, uploadId, piece, either))
  }
  const lanes = Array.from({ length: LANES }, lane)
  try {
    await Promise.all(lanes)
    return parts.sort((a, b) => a.partNumber - b.partNumber)
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled(lanes)
    throw error
  }
}

async function copyPart(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  uploadId: string,
  { partNumber, size, range }: Piece,
  signal: AbortSignal,
): Promise<PartReceipt> {
  const input = {
    Bucket: to.bucket,
    Key: to.key,
    UploadId: uploadId,
    PartNumber: partNumber,
    ...copySource(source),
    ...(range === undefined ? {} : { CopySourceRange: `bytes=${range.start}-${range.end}` }),
  }
  const request = { operation: 'UploadPartCopy', on: to, signal }
  const timeoutMs = s3.options.requestTimeoutMs + size / STORE_COPIES_BYTES_PER_MS
  return await sendPatiently(s3, request, timeoutMs, async (client, sending) => {
    const { CopyPartResult: result } = await client.send(new UploadPartCopyCommand(input), sending)
    if (!result?.ETag) throw incomplete('UploadPartCopy', to, 'names no ETag')
    return { partNumber, etag: result.ETag, size, crc32: decodeCrc32(result.ChecksumCRC32) }
  })
}
