import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkPath } from '../artifact-path.ts'
import { atOnce } from '../at-once.ts'
import { LadingError } from '../errors.ts'
import type { Artifact, ArtifactHead, CallOptions, Progress } from '../options.ts'
import type { Run } from '../run.ts'
import { Tally } from '../tally.ts'
import { saveFile } from './save-file.ts'

export interface SaveOptions extends CallOptions {
  /** A file or a directory of the run; all of the run when it is left out. */
  readonly path?: string
  readonly onProgress?: (progress: Progress) => void
}

/** Files that are fetched at once. */
const AT_ONCE = 4

/**
 * Fetches an artifact, or all below a directory, into a folder of the disk, each at the path that it has in the run; how
 * much it was. A file has its name when all of it is there and its SHA-256 is right. Called again after it was stopped,
 * even by a kill, it goes on at the byte. Fails with `artifact_not_found`, and as `run.download` and the disk do.
 */
export async function saveArtifacts(
  run: Run,
  folder: string,
  { path = '', onProgress, ...call }: SaveOptions = {},
): Promise<{ readonly files: number; readonly sent: number }> {
  const tally = new Tally(onProgress)
  const save = async (artifact: ArtifactHead | Artifact, signal: AbortSignal) => {
    // The server keeps no path that leaves the folder; this does not rely on it.
    const target = join(folder, checkPath(artifact.path))
    const isFile = 'size' in artifact
    await mkdir(isFile ? dirname(target) : target, { recursive: true })
    if (isFile) await saveFile(run, artifact, target, { signal, onProgress: tally.ofFile() })
  }
  await atOnce(below(run, path, call), AT_ONCE, save, call.signal)
  return tally.progress
}

/** The artifact at the path, or all below it. */
async function* below(run: Run, path: string, call: CallOptions): AsyncGenerator<ArtifactHead | Artifact> {
  const file = path === '' || path.endsWith('/') ? undefined : await fileAtPath(run, path, call)
  if (file !== undefined) {
    yield file
    return
  }
  let found = path === ''
  for await (const artifact of run.artifacts({ path, recursive: true, ...call })) {
    found = true
    yield artifact
  }
  if (!found) throw new LadingError('artifact_not_found', `${path}: the run has nothing here`)
}

async function fileAtPath(run: Run, path: string, call: CallOptions): Promise<ArtifactHead | undefined> {
  try {
    return await run.head(path, call)
  } catch (error) {
    if (error instanceof LadingError && error.code === 'artifact_not_found') return undefined
    throw error
  }
}
