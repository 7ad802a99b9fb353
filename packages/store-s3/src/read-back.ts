import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ObjectFacts, ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { S3Context } from './context.ts'
import { get } from './get.ts'

/** Bytes of one request: a connection that breaks costs one range, not the object. */
const RANGE = 64 * 1024 * 1024
const TRIES = 3

/** Reads the object that has this ETag, range by range, and compares its digests. */
export async function holdsFacts(
  s3: S3Context,
  ref: ObjectRef,
  etag: string,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<boolean> {
  let digests: Digests = { sha256: createHash('sha256'), crc32: 0 }
  try {
    for (let start = 0; start < facts.size; start += RANGE) {
      const range = { start, end: Math.min(start + RANGE, facts.size) - 1 }
      digests = await readRange(s3, ref, { range, ifMatch: etag, signal }, digests)
    }
  } catch (error) {
    if (isReplaced(error)) return false
    throw error
  }
  return digests.sha256.digest('hex') === facts.sha256 && digests.crc32 === facts.crc32
}

interface Digests {
  readonly sha256: ReturnType<typeof createHash>
  readonly crc32: number
}

async function readRange(
  s3: S3Context,
  ref: ObjectRef,
  options: Parameters<typeof get>[2],
  before: Digests,
): Promise<Digests> {
  for (let tried = 1; ; tried++) {
    const sha256 = before.sha256.copy()
    let crc = before.crc32
    try {
      const { body } = await get(s3, ref, options)
      for await (const chunk of body as AsyncIterable<Buffer>) {
        sha256.update(chunk)
        crc = crc32(chunk, crc)
      }
      return { sha256, crc32: crc }
    } catch (error) {
      const passes = error instanceof LadingError && error.code === 'store_unavailable'
      if (!passes || tried === TRIES) throw error
    }
  }
}

/** Replaced or removed while it was read: it is not, or no longer, the object in question. */
function isReplaced(error: unknown): boolean {
  return (
    error instanceof LadingError &&
    (error.code === 'store_precondition_failed' ||
      error.code === 'store_object_missing' ||
      error.code === 'range_not_satisfiable')
  )
}
