import { chmod, mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Run } from '@lading/client'
import { sha256At } from './sha256-at.ts'

/** An artifact, and where it goes. */
export interface Target {
  /** In the run. */
  readonly path: string
  readonly file: string
  /** Bytes; undefined where it is not known before. */
  readonly size: number | undefined
  readonly sha256?: string | undefined
  readonly mode?: number | undefined
  readonly mtime?: string | undefined
  readonly isFolder: boolean
}

/**
 * Downloads into a file beside the target, which takes its name when it is whole and its SHA-256 is right. A target that
 * is there as it should be is left alone.
 */
export async function download(
  run: Run,
  target: Target,
  signal: AbortSignal,
  onBytes: (more: number) => void,
): Promise<'got' | 'held'> {
  if (target.isFolder) {
    await mkdir(target.file, { recursive: true })
    return 'got'
  }
  if (await isHeld(target, signal)) {
    onBytes(target.size ?? 0)
    return 'held'
  }
  const beside = `${target.file}.lading-part`
  await mkdir(dirname(target.file), { recursive: true })
  try {
    await write(run, target.path, beside, signal, onBytes)
    if (target.mode !== undefined) await chmod(beside, target.mode & 0o777)
    if (target.mtime !== undefined) await utimes(beside, new Date(), new Date(target.mtime))
    await rename(beside, target.file)
    return 'got'
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

async function write(
  run: Run,
  path: string,
  file: string,
  signal: AbortSignal,
  onBytes: (more: number) => void,
): Promise<void> {
  await using handle = await open(file, 'w')
  for await (const chunk of run.download(path, { signal })) {
    await handle.writeFile(chunk)
    onBytes(chunk.length)
  }
}

async function isHeld({ file, size, sha256 }: Target, signal: AbortSignal): Promise<boolean> {
  if (sha256 === undefined) return false
  const kind = await stat(file).catch(() => undefined)
  return kind?.isFile() === true && kind.size === size && (await sha256At(file, signal)) === sha256
}
