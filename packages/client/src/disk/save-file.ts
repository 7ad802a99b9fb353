import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { LadingError } from '../errors.ts'
import type { ArtifactHead, DownloadOptions } from '../options.ts'
import type { Run } from '../run.ts'
import type { Source } from '../source.ts'
import { fileAt } from './file-at.ts'
import { saveRanges } from './save-ranges.ts'

/** Bytes from which ranges of an artifact are fetched at once. */
const RANGES_FROM = 32 * 1024 * 1024

/** What a list or a head tells of an artifact. */
type Wanted = ArtifactHead & { readonly mode?: number | undefined }

/**
 * Fetches an artifact to the path `target` of the disk, which it has when all of it is there. What has come is kept beside
 * it until then, under a name with its SHA-256, and is the beginning of the next attempt. Fails as `run.download`.
 */
export async function saveFile(
  run: Run,
  artifact: Wanted,
  target: string,
  options: Pick<DownloadOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const part = join(dirname(target), `.${basename(target)}.${artifact.sha256.slice(0, 16)}.lading-part`)
  if (artifact.size >= RANGES_FROM) return await saveRanges(run, artifact, { part, target }, options)
  const have = await whatIsThere(part, artifact.size)
  try {
    await append(part, artifact.mode, run.download(artifact.path, { ...options, have, etag: artifact.etag }))
  } catch (error) {
    if (error instanceof LadingError && error.code === 'digest_mismatch') await rm(part)
    throw error
  }
  await rename(part, target)
}

/** Nothing, where it is whole already: so little is fetched again that nobody asks for no bytes. */
async function whatIsThere(part: string, size: number): Promise<Source> {
  try {
    if ((await stat(part)).size < size) return await fileAt(part)
    await rm(part)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return new Blob([])
}

async function append(
  part: string,
  mode: number | undefined,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = await open(part, 'a', mode === undefined ? 0o666 : mode & 0o777)
  try {
    for await (const chunk of chunks) await file.appendFile(chunk)
  } finally {
    await file.close()
  }
}
