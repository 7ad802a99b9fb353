import { parseArtifactPath, type Sha256Hex } from '@lading/core'
import { LadingError, type Manifest } from '@lading/protocol'
import type { Arrivals } from './arrivals.ts'
import { checkSha256, checkSize } from './declared-digest.ts'

/**
 * Holds files and manifest together, by the path in the run: each file has its entry and each entry its file. Fails
 * with `path_invalid`, `manifest_mismatch`, `length_mismatch`, `digest_mismatch`.
 */
export async function checkManifest(files: Pick<Arrivals, 'pages'>, manifest: Manifest): Promise<void> {
  const entries = new Map(manifest.map((entry) => [parseArtifactPath(entry.path, 'manifest: path'), entry]))
  if (entries.size < manifest.length) mismatch('it names a path twice')
  for await (const page of files.pages()) {
    for (const { path, size, sha256 } of page) {
      const field = `manifest: ${JSON.stringify(path)}`
      const entry = entries.get(path) ?? mismatch(`it has no entry for the file ${JSON.stringify(path)}`)
      checkSize(size, entry.size, field)
      checkSha256(sha256, entry.sha256.toLowerCase() as Sha256Hex, field)
      entries.delete(path)
    }
  }
  for (const path of entries.keys())
    mismatch(`the form has no file for the entry ${JSON.stringify(path.slice(0, 200))}`)
}

function mismatch(reason: string): never {
  throw new LadingError('manifest_mismatch', `manifest: ${reason}`)
}
