import type { ListedUploadId, RunPlace } from '@lading/catalog'
import type { ListedUpload } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { isOurs, type OrphanContext } from './orphan.ts'

/** An upload in parts, and the bytes of its parts. */
export interface OrphanedUpload extends ListedUpload {
  readonly bytes: number
}

/**
 * Uploads in parts to keys of the run that are older than that and not in the ledger. Where the ledger has an upload of
 * the key whose id it does not know, this may be it: that is left to whoever delivers or clears up the file.
 */
export async function* orphanedUploads(
  { catalog, store }: OrphanContext,
  place: RunPlace,
  olderThanMs: number,
  signal: AbortSignal,
): AsyncGenerator<OrphanedUpload> {
  const { bucket, root } = place
  const before = Date.now() - olderThanMs
  for await (const upload of store.listUploads(bucket, root, signal)) {
    if (!isOurs(place, upload.key) || upload.startedAt.getTime() > before) continue
    const [unknown] = await catalog.orphans.unknownUploads(bucket, [upload])
    const bytes = unknown && (await bytesOf({ store }, bucket, upload, signal))
    if (bytes !== undefined) yield { ...upload, bytes }
  }
}

/** Aborts it, unless the ledger has come to know it. */
export async function removeUpload(
  { catalog, store }: Pick<OrphanContext, 'catalog' | 'store'>,
  bucket: string,
  upload: ListedUploadId,
  signal: AbortSignal,
): Promise<'removed' | 'kept'> {
  const [unknown] = await catalog.orphans.unknownUploads(bucket, [upload])
  if (unknown === undefined) return 'kept'
  await store.abortUpload({ bucket, key: upload.key }, upload.uploadId, signal)
  return 'removed'
}

/** Undefined: it was ended meanwhile. */
async function bytesOf(
  { store }: Pick<OrphanContext, 'store'>,
  bucket: string,
  { key, uploadId }: ListedUploadId,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const parts = await store.listParts({ bucket, key }, uploadId, signal)
    return parts.reduce((sum, part) => sum + part.size, 0)
  } catch (error) {
    if (error instanceof LadingError && error.code === 'store_upload_gone') return undefined
    throw error
  }
}
