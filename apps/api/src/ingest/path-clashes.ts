import type { ArtifactPath } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** Fails with `path_duplicate`, and `path_conflict` when one path of the request lies below another. */
export function checkClashes(paths: readonly ArtifactPath[]): void {
  const files = new Set<string>()
  for (const path of paths) {
    if (files.has(path))
      throw new LadingError('path_duplicate', `${JSON.stringify(path)}: two files have this path`)
    files.add(path)
  }
  if (paths.length === 1) return
  const directories = new Set<string>()
  for (const path of paths) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash)
      if (directories.has(directory)) break
      if (files.has(directory)) throw conflict(directory, path)
      directories.add(directory)
    }
  }
}

function conflict(directory: string, path: string): LadingError {
  return new LadingError(
    'path_conflict',
    `${JSON.stringify(directory)} is a file of the request, and the directory of ${JSON.stringify(path)}`,
  )
}
