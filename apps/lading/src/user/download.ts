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
    await mkdir(file, { recursive: true })
    return 'got'
  }
  if (await isHeld(artifact, file, signal)) {
    onBytes(artifact.size)
    return 'held'
  }
  await mkdir(dirname(file), { recursive: true })
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

async function isHeld({ size, sha256 }: ArtifactHead, file: string, signal: AbortSignal): Promise<boolean> {
  const kind = await stat(file).catch(() => undefined)
  return kind?.isFile() === true && kind.size === size && (await sha256At(file, signal)) === sha256
}
