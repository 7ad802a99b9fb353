import type { Dirent } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListedObject, ListedUpload } from '@lading/core'
import type { DirectoryContext } from './context.ts'
import { classify, isAbsent } from './errors.ts'
import { reapTemporaries } from './reaping.ts'
import { recordOf } from './uploads.ts'

/** In the order of the file system, not of the keys; a directory of any size is walked, never held. */
export async function* list(
  store: DirectoryContext,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ListedObject> {
  const top = store.layout.bucket(bucket)
  // The deepest directory that holds every such key. A prefix that climbs out of the bucket matches none.
  const directory = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (directory.split('/').slice(0, -1).some(isNoSegment)) return
  try {
    yield* walk(top, directory, prefix, signal)
  } catch (error) {
    throw classify(error, `Listing ${top}`)
  }
}

/** Clears away, besides, what killed processes left unfinished: this is the call that sweepers make. */
export async function* listUploads(
  store: DirectoryContext,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ListedUpload> {
  try {
    await reapTemporaries(store.layout)
    for await (const { name } of await opendir(store.layout.uploads)) {
      signal.throwIfAborted()
      const record = await recordOf(join(store.layout.uploads, name))
      if (record?.bucket === bucket && record.key.startsWith(prefix))
        yield { key: record.key, uploadId: name, startedAt: new Date(record.startedAt) }
    }
  } catch (error) {
    throw classify(error, `Listing the uploads to ${bucket}`)
  }
}

async function* walk(
  top: string,
  directory: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ListedObject> {
  for await (const entry of entriesOf(join(top, directory))) {
    signal.throwIfAborted()
    const key = `${directory}${entry.name}`
    if (entry.isDirectory()) {
      if (key.startsWith(prefix) || `${key}/`.startsWith(prefix)) yield* walk(top, `${key}/`, prefix, signal)
    } else if (key.startsWith(prefix)) {
      const object = await objectOf(join(top, key), key)
      if (object !== undefined) yield object
    }
  }
}

/** Nothing, where the directory went away meanwhile. */
async function* entriesOf(directory: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(directory, { bufferSize: 256 })
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

async function objectOf(path: string, key: string): Promise<ListedObject | undefined> {
  try {
    const stats = await stat(path)
    return stats.isFile() ? { key, size: stats.size, modifiedAt: stats.mtime } : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

function isNoSegment(segment: string): boolean {
  return segment === '' || segment === '.' || segment === '..'
}
