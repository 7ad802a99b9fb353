import { open } from 'node:fs/promises'
import { LadingError } from '../errors.ts'
import type { Bytes } from '../source.ts'
import { fileAt } from './file-at.ts'
import { settled } from './settled.ts'

const IN_MEMORY_BYTES = 1024 * 1024

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
