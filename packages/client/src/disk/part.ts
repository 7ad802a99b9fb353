import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, type FileHandle, open, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Bytes that a name may have (`NAME_MAX` of Linux and macOS), without what stands around it here, and beside it. */
const LONGEST_NAME = 255 - 48
const OWNER_READS_AND_WRITES = 0o600

/** Beside `target`: what has come of a file, until all of it is there. Of other bytes it is another. */
export function partOf(target: string, sha256: string): string {
  const name = basename(target)
  const short =
    Buffer.byteLength(name) <= LONGEST_NAME ? name : createHash('sha256').update(name).digest('hex')
  return join(dirname(target), `.${short}.${sha256.slice(0, 16)}.lading-part`)
}

/** Opens it to be written to at any place. `mode` is what the file is to have in the end; its owner can go on until then. */
export async function openPart(part: string, mode = 0o666): Promise<FileHandle> {
  const { O_RDWR, O_CREAT } = constants
  return await open(part, O_RDWR | O_CREAT, (mode & 0o777) | OWNER_READS_AND_WRITES)
}

export async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, undefined, position + written)
    written += bytesWritten
  }
}

/** Gives it its name, at one instant; also where another process, which fetched the same, has done so already. */
export async function giveName(
  part: string,
  target: string,
  { size, mode }: { readonly size: number; readonly mode?: number | undefined },
): Promise<void> {
  try {
    if (mode !== undefined) await takeAway(part, OWNER_READS_AND_WRITES & ~mode)
    await rename(part, target)
  } catch (error) {
    const isOurs = (error as NodeJS.ErrnoException).code === 'ENOENT' && (await sizeAt(target)) === size
    if (!isOurs) throw error
  }
}

async function takeAway(path: string, bits: number): Promise<void> {
  if (bits !== 0) await chmod(path, (await stat(path)).mode & 0o777 & ~bits)
}

async function sizeAt(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}
