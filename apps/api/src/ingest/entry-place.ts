import { quotedName } from '@lading/archive'
import { type ArtifactDirectory, type ArtifactPath, joinArtifactPath } from '@lading/core'
import { LadingError } from '@lading/protocol'

/**
 * The path of an archive's entry in the run. A name that an archive brings is its own fault, and not that of a field:
 * fails with `archive_entry_refused`, which names the entry.
 */
export function placeEntry(directory: ArtifactDirectory, name: string): ArtifactPath {
  try {
    return joinArtifactPath(directory, name)
  } catch (error) {
    if (!(error instanceof LadingError)) throw error
    throw new LadingError('archive_entry_refused', `the entry ${quotedName(name)}: ${error.detail}`, {
      cause: error,
    })
  }
}
