import { mkdir, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Artifact, type ArtifactHead, type Run, saveFile } from '@lading/client'
import { sha256At } from './sha256-at.ts'

/** An artifact, and where it goes. */
export interface Target {
  readonly artifact: Artifact | ArtifactHead
  readonly file: string
}

/** Downloads it, on from where an earlier attempt stopped. A target that is there as it should be is left alone. */
export async function download(
  run: Run,
  { artifact, file }: Target,
  signal: AbortSignal,
  onBytes: (more: number) => void,
): Promise<'got' | 'held'> {
  if (!('size' in artifact)) {
    await makeFolder(file)
    return 'got'
  }
  const there = await stat(file).catch(() => undefined)
  if (there?.isDirectory())
    throw new Error(
      `${file}: a directory is here, where a file is to be; move it, or give another destination`,
    )
  if (there?.isFile() && (await isHeld(artifact, file, there.size, signal))) {
    onBytes(artifact.size)
    return 'held'
  }
  await makeFolder(dirname(file))
  let before = 0
  const onProgress = ({ sent }: { readonly sent: number }) => {
    onBytes(sent - before)
    before = sent
  }
  await saveFile(run, artifact, file, { signal, onProgress })
  if ('mtime' in artifact && artifact.mtime !== undefined)
    await utimes(file, new Date(), new Date(artifact.mtime))
  return 'got'
}

async function isHeld(
  { size, sha256 }: ArtifactHead,
  file: string,
  sizeThere: number,
  signal: AbortSignal,
): Promise<boolean> {
  return sizeThere === size && (await sha256At(file, signal)) === sha256
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST' && error.code !== 'ENOTDIR') throw error
    const detail = `${folder}: a file is here, or above it, where a directory is to be`
    throw new Error(`${detail}; move it, or give another destination`, { cause: error })
  })
}
