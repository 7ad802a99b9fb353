import type { FileHandle } from 'node:fs/promises'

/**
 * Writes all chunks at `position`, whatever a single `pwritev` takes: it may write less than it was given, for one when
 * the disk is nearly full (write(2)). Then the rest is tried again, and the disk says what is wrong.
 */
export async function writeAll(file: FileHandle, chunks: Buffer[], position: number): Promise<void> {
  let rest = chunks
  let at = position
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at)
    if (bytesWritten === 0) throw new Error('the file system took none of the bytes')
    at += bytesWritten
    rest = after(rest, bytesWritten)
  }
}

/** The chunks less their first `bytes` bytes. */
export function after(chunks: Buffer[], bytes: number): Buffer[] {
  let skip = bytes
  for (const [index, chunk] of chunks.entries()) {
    if (skip < chunk.length) return [chunk.subarray(skip), ...chunks.slice(index + 1)]
    skip -= chunk.length
  }
  return []
}
