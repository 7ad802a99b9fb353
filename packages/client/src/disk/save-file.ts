import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { LadingError } from '../errors.ts'
import type { ArtifactHead, DownloadOptions } from '../options.ts'
import type { Run } from '../run.ts'
import { giveName, openPart, partOf, writeAt } from './part.ts'
import { saveRanges } from './save-ranges.ts'

/** Bytes from which ranges of an artifact are fetched at once. */
const RANGES_FROM = 32 * 1024 * 1024

/** What a list or a head tells of an artifact. */
type Wanted = ArtifactHead & { readonly mode?: number | undefined }

/**
 * Fetches an artifact to the path `target` of the disk, which it has when all of it is there. What has come is kept beside
 * it until then, under a name of its own for each SHA-256, and is the beginning of the next attempt. Fails as `run.download`.
 */
export async function saveFile(
  run: Run,
  artifact: Wanted,
  target: string,
  options: Pick<DownloadOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const part = partOf(target, artifact.sha256)
  if (artifact.size >= RANGES_FROM) return await saveRanges(run, artifact, { part, target }, options)
  const have = await whatIsThere(part, artifact.size)
  try {
    const rest = run.download(artifact.path, { ...options, have, etag: artifact.etag })
    await writeFrom(have.size, rest, part, artifact.mode)
  } catch (error) {
    if (error instanceof LadingError && error.code === 'digest_mismatch') await rm(part, { force: true })
    throw error
  }
  await giveName(part, target, artifact)
}

/** Nothing, where it is whole already: so little is fetched again that nobody asks for no bytes. */
async function whatIsThere(part: string, size: number): Promise<NonNullable<DownloadOptions['have']>> {
  try {
    const there = (await stat(part)).size
    if (there > 0 && there < size) return beginningOf(part, there)
    await rm(part)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return new Blob([])
}

/** Another process may write to it meanwhile, and only the same bytes. */
function beginningOf(part: string, size: number): NonNullable<DownloadOptions['have']> {
  const stream = () => Readable.toWeb(createReadStream(part, { end: size - 1 }))
  return { size, stream: stream as NonNullable<DownloadOptions['have']>['stream'] }
}

/** Each chunk goes to its own place, so that two processes that fetch the same write the same. */
async function writeFrom(
  start: number,
  chunks: AsyncIterable<Uint8Array>,
  part: string,
  mode: number | undefined,
): Promise<void> {
  const file = await openPart(part, mode)
  let position = start
  try {
    for await (const chunk of chunks) {
      await writeAt(file, chunk, position)
      position += chunk.length
    }
  } finally {
    await file.close()
  }
}
