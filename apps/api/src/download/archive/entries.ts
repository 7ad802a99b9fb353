import type { OutgoingEntry } from '@lading/archive'
import type { Artifact, DirectoryEntry, RunRef } from '@lading/catalog'
import type { ArtifactDirectory } from '@lading/core'
import type { ApiContext } from '../../context.ts'
import { Source } from './source.ts'

export interface Entry {
  readonly outgoing: OutgoingEntry
  /** Undefined: a directory that came empty. */
  readonly source: Source | undefined
}

/** Rows that are read at once. */
const PAGE_ROWS = 1000
/** What `umask 022` leaves, where no mode is known. */
const FILE_MODE = 0o644
const DIRECTORY_MODE = 0o755

/**
 * All that lies below the directory, by path, page by page as they are asked for: an artifact that comes or goes
 * meanwhile is there or not, as its page was when it was read.
 */
export async function* entriesBelow(
  { catalog: { artifacts }, store }: Pick<ApiContext, 'catalog' | 'store'>,
  run: RunRef,
  directory: ArtifactDirectory,
): AsyncGenerator<Entry> {
  const open = (artifact: Artifact) => new Source(store, artifacts, artifact)
  const skip = directory === '' ? 0 : directory.length + 1
  let cursor: string | undefined
  do {
    const page = await artifacts.listDeep(run, directory, { limit: PAGE_ROWS, cursor })
    for (const item of page.items) yield entryOf(item, item.path.slice(skip), open)
    cursor = page.nextCursor
  } while (cursor !== undefined)
}

function entryOf(item: Artifact | DirectoryEntry, path: string, open: (artifact: Artifact) => Source): Entry {
  const mtimeMs = (item.mtime ?? item.storedAt ?? EPOCH).getTime()
  if ('isDirectory' in item) {
    const mode = item.mode ?? DIRECTORY_MODE
    return { outgoing: { path, type: 'directory', size: 0, mtimeMs, mode, crc32: 0 }, source: undefined }
  }
  const { size, crc32, mode = FILE_MODE } = item
  return { outgoing: { path, type: 'file', size, mtimeMs, mode, crc32 }, source: open(item) }
}

const EPOCH = new Date(0)
