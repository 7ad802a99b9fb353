import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Crc32 } from '@lading/core'

/**
 * The ETag of an object: its time of modification (microseconds) and its size. Both belong to the file, move with it in
 * the one rename that publishes it, and survive a copy that keeps times (`cp -a`, `rsync -a`). A file that someone
 * edits in place gets another ETag. A copy that is a second name of its source has the ETag of that: it has its bytes.
 */
export function etagOf(stats: BigIntStats): string {
  return `"${(stats.mtimeNs / 1000n).toString(16)}-${stats.size.toString(16)}"`
}

let lastMicrosecond = 0

/**
 * Gives a file a time of modification that no other file of this process has, and hardly one of another process;
 * file systems round theirs to a tick of some milliseconds.
 */
export async function stamp(file: FileHandle): Promise<void> {
  const seconds = newTime()
  await file.utimes(seconds, seconds)
}

/** Such a time, in seconds. */
export function newTime(): number {
  const now = Date.now() * 1000 + Math.floor(Math.random() * 1000)
  lastMicrosecond = Math.max(lastMicrosecond + 1, now)
  // Half a microsecond more, because what becomes of it is cut off to microseconds.
  return (lastMicrosecond + 0.5) / 1_000_000
}

/**
 * The same for a file that has another name already: however often it is called, and by however many workers, the file
 * has the same time, so that a worker that slept through its lease does not change the ETag of what its successor has
 * stored. To the millisecond it is when the file was written; the rest is of its checksum, which tells two files of one
 * size apart that were written at once.
 */
export async function stampAgain(file: FileHandle, crc32: Crc32): Promise<void> {
  const { mtimeMs } = await file.stat()
  const seconds = (Math.floor(mtimeMs) * 1000 + (crc32 % 1000) + 0.5) / 1_000_000
  await file.utimes(seconds, seconds)
}
