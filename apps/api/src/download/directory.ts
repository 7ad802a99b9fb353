import type { Artifacts, RunRef } from '@lading/catalog'
import type { ArtifactDirectory } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** Whether something lies below the path, or a directory that came empty at it. The root of a run must hold something. */
export async function isDirectory(
  artifacts: Artifacts,
  run: RunRef,
  path: ArtifactDirectory,
): Promise<boolean> {
  const below = await artifacts.listDeep(run, path, { limit: 1, cursor: undefined })
  if (below.items.length > 0) return true
  // The row of a directory that came empty has its path with a slash, as no file's is.
  return path !== '' && (await artifacts.get(run, `${path}/`)) !== undefined
}

/** Fails with `artifact_not_found` where nothing lies, and `validation_failed` where a file does. */
export async function checkIsDirectory(
  artifacts: Artifacts,
  run: RunRef,
  path: ArtifactDirectory,
): Promise<void> {
  if (await isDirectory(artifacts, run, path)) return
  if (path === '') throw new LadingError('artifact_not_found', 'archive: the run has no stored artifacts')
  if ((await artifacts.get(run, path)) === undefined) {
    throw new LadingError('artifact_not_found', 'path: the run has no stored artifact at or below this path')
  }
  const detail = 'archive: the path is a file, and only directories come as archives; ask without `archive`'
  throw new LadingError('validation_failed', detail)
}
