import { type Artifact, type ArtifactHead, LadingError, type Run } from '@lading/client'
import { naming } from './named.ts'

/**
 * What is at a path of a run at which no list shows anything: a file, or a directory that is empty. Fails with
 * `artifact_not_found`, which names the path.
 */
export async function atPath(run: Run, path: string, signal: AbortSignal): Promise<ArtifactHead | Artifact> {
  return await naming(path, async () => {
    try {
      return await run.head(path, { signal })
    } catch (error) {
      if (error instanceof LadingError && error.code === 'artifact_not_found')
        return await emptyDirectory(run, path, signal)
      throw error
    }
  })
}

/** Only as an archive can one be asked for that has nothing in it. */
async function emptyDirectory(run: Run, path: string, signal: AbortSignal): Promise<Artifact> {
  for await (const _ of run.archive(path, 'tar', { signal })) break
  return { path, is_dir: true }
}
