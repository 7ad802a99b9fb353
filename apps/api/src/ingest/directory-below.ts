import { type ArtifactDirectory, joinArtifactPath, parseListPrefix } from '@lading/core'

/** The directory `given` by a request (undefined or `''` is none), below `parent`. Fails with `path_invalid`. */
export function directoryBelow(parent: ArtifactDirectory, given: string | undefined): ArtifactDirectory {
  const directory = parseListPrefix(given ?? '', 'artifact_path')
  return directory === '' ? parent : joinArtifactPath(parent, directory)
}
