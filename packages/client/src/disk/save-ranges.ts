import { atOnce } from '../at-once.ts'
import { LadingError } from '../errors.ts'
import { nodeDigests } from '../node-digests.ts'
import type { ArtifactHead, DownloadOptions } from '../options.ts'
import type { Run } from '../run.ts'
import { sha256Of } from '../sha256.ts'
import { fileAt } from './file-at.ts'
import { PartialFile, type Range } from './partial-file.ts'

type Options = Pick<DownloadOptions, 'signal' | 'onProgress'>

/** Ranges that are fetched at once. */
const AT_ONCE = 4

/**
 * Fetches a large artifact to `target`, ranges of it at once, into the file `part`, which an earlier attempt may have begun.
 * It gets its name when all of it has the SHA-256 that was catalogued. Fails as `run.download`.
 */
export async function saveRanges(
  run: Run,
  artifact: ArtifactHead & { readonly mode?: number | undefined },
  { part, target }: { readonly part: string; readonly target: string },
  options: Options,
): Promise<void> {
  const file = await PartialFile.open(part, artifact.size, artifact.mode)
  try {
    await fill(run, artifact, file, options)
    if ((await sha256Of(await fileAt(part), nodeDigests, options.signal)) === artifact.sha256)
      return await file.keep(target, artifact)
    await file.drop()
  } finally {
    await file.close()
  }
  throw new LadingError(
    'digest_mismatch',
    `${artifact.path}: the bytes that came have another SHA-256; fetch it again`,
  )
}

async function fill(
  run: Run,
  artifact: ArtifactHead,
  file: PartialFile,
  { onProgress, signal }: Options,
): Promise<void> {
  const { size } = artifact
  let sent = size - file.missing.reduce((bytes, { start, end }) => bytes + end - start, 0)
  const tell = (more: number) => {
    sent += more
    onProgress?.({ sent, total: size })
  }
  tell(0)
  const fetchOne = (range: Range, one: AbortSignal) => saveRange(run, artifact, file, range, tell, one)
  await atOnce(each(file.missing), AT_ONCE, fetchOne, signal)
}

async function saveRange(
  run: Run,
  { path, etag }: ArtifactHead,
  file: PartialFile,
  range: Range,
  tell: (more: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let position = range.start
  for await (const chunk of run.downloadRange(path, { ...range, etag, signal })) {
    await file.write(chunk, position)
    position += chunk.length
    tell(chunk.length)
  }
  if (position !== range.end)
    throw new LadingError(
      'http_error',
      `${path}: the server gave other bytes than the range that was asked for`,
    )
  await file.done(range)
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
