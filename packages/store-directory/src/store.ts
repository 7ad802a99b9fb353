import { access, constants } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { ObjectHead, ObjectRef, ObjectStore } from '@lading/core'
import { adopt } from './adopt.ts'
import { completeUpload, MIN_PART_SIZE } from './complete.ts'
import type { DirectoryContext } from './context.ts'
import { copy } from './copy.ts'
import { classified } from './errors.ts'
import { get } from './get.ts'
import { KeyLocks } from './key-locks.ts'
import { KnownDirectories } from './known-directories.ts'
import { Layout } from './layout.ts'
import { list, listUploads } from './listing.ts'
import { openObject, prove } from './objects.ts'
import { proveWritten, write } from './one-of-many.ts'
import { partsOf, uploadPart } from './parts.ts'
import { put } from './put.ts'
import { remove } from './remove.ts'
import { SmallFiles } from './small-files/small-files.ts'
import { createUpload, findUpload, removeUpload } from './uploads.ts'
import { etagOf } from './versions.ts'

export interface DirectoryStore extends ObjectStore {
  readonly adopt: NonNullable<ObjectStore['adopt']>
  /** The `file://` URL of the directory, with a slash at its end. */
  readonly rootUri: string
}

/**
 * The object store in a directory: `<root>/<bucket>/<key>` is the object, a plain file. A bucket comes to be with its
 * first object. Creates `root`; throws when it cannot. Decisions: docs/decisions/0003-directory-store.md
 */
export function openDirectoryStore(root: string): DirectoryStore {
  const store: DirectoryContext = {
    layout: new Layout(root),
    locks: new KeyLocks(),
    directories: new KnownDirectories(),
    smallFiles: new SmallFiles(),
  }
  const { layout } = store
  layout.create()
  return {
    scheme: 'file',
    rootUri: `${pathToFileURL(layout.root)}/`,
    minPartSize: MIN_PART_SIZE,
    maxParts: 10_000,
    maxPutSize: 5 * 1024 * 1024 * 1024,
    minCopySize: 0,
    uri: (ref) => pathToFileURL(layout.object(ref)).href,
    async probe(bucket, _prefix, signal) {
      await check(layout, bucket, signal)
      return { verifiesChecksums: true, reportsChecksums: false, conditionalWrites: true }
    },
    check: (bucket, signal) => check(layout, bucket, signal),
    put: (ref, body, facts, options) => put(store, ref, body, facts, options),
    write: (ref, body, facts, options) => write(store, ref, body, facts, options),
    proveWritten: (written, signal) => proveWritten(store, written, signal),
    adopt: (ref, path, facts, options) => adopt(store, ref, path, facts, options),
    async createUpload(ref, _facts, signal) {
      signal.throwIfAborted()
      return await createUpload(store, ref)
    },
    uploadPart: (ref, uploadId, part, signal) => uploadPart(store, ref, uploadId, part, signal),
    async listParts(ref, uploadId, signal) {
      signal.throwIfAborted()
      return await classified(`Listing the parts of ${ref.bucket}/${ref.key}`, async () => {
        const parts = await partsOf(await findUpload(store, ref, uploadId))
        return parts.map(({ path: _, ...receipt }) => receipt)
      })
    },
    completeUpload: (ref, uploadId, parts, facts, options) =>
      completeUpload(store, ref, uploadId, parts, facts, options),
    async abortUpload(ref, uploadId, signal) {
      signal.throwIfAborted()
      const directory = layout.upload(uploadId)
      if (directory === undefined) return
      await classified(`Aborting the upload to ${ref.bucket}/${ref.key}`, () =>
        removeUpload(store, directory),
      )
    },
    async head(ref, signal) {
      signal.throwIfAborted()
      return await head(layout, ref)
    },
    async prove(ref, facts, signal) {
      signal.throwIfAborted()
      const path = layout.object(ref)
      return await classified(`Reading ${ref.bucket}/${ref.key}`, () => prove(path, facts, signal))
    },
    copy: (from, to, facts, options) => copy(store, from, to, facts, options),
    get: (ref, options) => get(store, ref, options),
    delete: (ref, options) => remove(store, ref, options),
    list: (bucket, prefix, signal) => list(store, bucket, prefix, signal),
    listUploads: (bucket, prefix, signal) => listUploads(store, bucket, prefix, signal),
    close: () => store.smallFiles.close(),
  }
}

async function check(layout: Layout, bucket: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  layout.bucket(bucket)
  const { R_OK, W_OK, X_OK } = constants
  await classified('Using the directory of the store', () => access(layout.tmp, R_OK | W_OK | X_OK))
}

async function head(layout: Layout, ref: ObjectRef): Promise<ObjectHead | undefined> {
  const path = layout.object(ref)
  return await classified(`Reading ${ref.bucket}/${ref.key}`, async () => {
    const file = await openObject(path)
    if (file === undefined) return undefined
    try {
      const stats = await file.stat({ bigint: true })
      return { size: Number(stats.size), etag: etagOf(stats), crc32: undefined, declaredSha256: undefined }
    } finally {
      await file.close()
    }
  })
}
