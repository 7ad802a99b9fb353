import type { DiskFile, Run } from '@lading/client'
import { sha256At } from './sha256-at.ts'

/** Files of one question to the server. */
const PAGE = 1000
/** Files that are hashed at once. */
const AT_ONCE = 8

export interface Holding {
  readonly run: Run
  readonly jobId: string
  /** Whether the run holds an empty directory, whose path is below that of the job and ends in a slash. */
  holdsFolder(path: string): Promise<boolean>
  /** Told of each that is held as it is. */
  onHeld(file: DiskFile): void
}

/** Of files of the disk those whose bytes the server needs, by their SHA-256: what it holds elsewhere it copies. */
export async function* onlyNeeded(
  files: AsyncIterable<DiskFile>,
  { run, jobId, holdsFolder, onHeld }: Holding,
  signal: AbortSignal,
): AsyncGenerator<DiskFile> {
  for await (const page of pagesOf(files)) {
    const asked = await hashed(
      page.filter(({ path }) => !path.endsWith('/')),
      signal,
    )
    const needed = new Set(asked.length === 0 ? [] : await run.plan(jobId, asked, { signal }))
    for (const file of page) {
      const isHeld = file.path.endsWith('/') ? await holdsFolder(file.path) : !needed.has(file.path)
      if (isHeld) onHeld(file)
      else yield file
    }
  }
}

async function* pagesOf(files: AsyncIterable<DiskFile>): AsyncGenerator<DiskFile[]> {
  let page: DiskFile[] = []
  for await (const file of files) {
    page.push(file)
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

async function hashed(files: readonly DiskFile[], signal: AbortSignal) {
  const results: { path: string; size: number; sha256: string }[] = []
  const queue = files.values()
  const lane = async () => {
    for (const { path, source, size } of queue)
      results.push({ path, size, sha256: await sha256At(source, signal) })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return results
}
