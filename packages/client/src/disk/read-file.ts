import { open } from 'node:fs/promises'
import { setTimeout as passed } from 'node:timers/promises'
import { LadingError } from '../errors.ts'
import type { Bytes } from '../source.ts'
import { fileAt } from './file-at.ts'

const IN_MEMORY_BYTES = 1024 * 1024

/**
 * Milliseconds for which a file must not have been written to before it is read. A write changes a file's time when it
 * begins, and not again when it ends, so the time of a file that is half written does not tell.
 */
const SETTLED_MS = 50

/**
 * A file of the disk that had `size` bytes: a small one is read, a larger one when it is sent. Fails with `file_changed`
 * for one that is written to while it is read, so that no mix of two versions is sent.
 */
export async function readFile(path: string, size: number): Promise<Bytes> {
  if (size > IN_MEMORY_BYTES) return await fileAt(path)
  const file = await open(path)
  try {
    const before = await file.stat({ bigint: true })
    await settled(before.mtimeNs)
    const bytes = await file.readFile()
    const after = await file.stat({ bigint: true })
    if (before.mtimeNs === after.mtimeNs && after.size === BigInt(bytes.length)) return bytes
  } finally {
    await file.close()
  }
  throw new LadingError('file_changed', `${path}: it was written to while it was read; log it again`)
}

/** Waits until a write at `mtimeNs` is over; not longer for a time in the future, which another host's clock gives. */
async function settled(mtimeNs: bigint): Promise<void> {
  const age = Date.now() - Number(mtimeNs / 1_000_000n)
  if (age < SETTLED_MS) await passed(Math.min(SETTLED_MS, SETTLED_MS - age))
}
