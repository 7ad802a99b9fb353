import { createHash } from 'node:crypto'
import type { ByteRange, ObjectRef, ObjectStore } from '@lading/core'
import type { Pace } from './pace.ts'

/** What lies in the store. */
export interface ReadBack {
  /** Bytes that were read: of a longer object, more than were expected. */
  readonly size: number
  readonly sha256: string
  readonly etag: string
}

/** The most that one request asks for, bytes. A connection that is read slowly is closed by many a store, so it is the
 * time between requests that makes the pace. */
const SLICE = 8 * 1024 * 1024

/**
 * Reads an object from its first byte to its last, as one object: all of it has the ETag that its beginning had. Never
 * the whole object in memory. Fails as `ObjectStore.get` does.
 */
export async function readBack(
  store: ObjectStore,
  ref: ObjectRef,
  expectedSize: number,
  pace: Pace,
  signal: AbortSignal,
): Promise<ReadBack> {
  const hash = createHash('sha256')
  let size = 0
  let etag: string | undefined
  for (const range of slicesOf(expectedSize)) {
    await pace.take(range === undefined ? expectedSize : range.end + 1 - range.start, signal)
    const ifMatch = etag === undefined ? {} : { ifMatch: etag }
    const opened = await store.get(ref, { ...(range && { range }), ...ifMatch, signal })
    etag = opened.etag
    for await (const chunk of opened.body as AsyncIterable<Buffer>) {
      hash.update(chunk)
      size += chunk.length
    }
    if (range !== undefined && size < Math.min(range.end + 1, expectedSize)) break
  }
  return { size, sha256: hash.digest('hex'), etag: etag ?? '' }
}

/** The last one asks for a byte more than should be there. A small object is read without a range. */
function* slicesOf(size: number): Generator<ByteRange | undefined> {
  if (size <= SLICE) return yield undefined
  for (let start = 0; start < size; start += SLICE) {
    const isLast = start + SLICE >= size
    yield { start, end: isLast ? size : start + SLICE - 1 }
  }
}
