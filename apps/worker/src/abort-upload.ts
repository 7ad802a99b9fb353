import type { LeftUpload } from '@lading/catalog'
import type { ObjectRef } from '@lading/core'
import type { WorkerContext } from './context.ts'

type Deps = Pick<WorkerContext, 'store' | 'catalog'>

/** Aborts an upload that is of no more use, also when its id was lost between the store and the ledger. */
export async function abortLeftUpload(
  deps: Deps,
  left: Pick<LeftUpload, 'object' | 'uploadId' | 'begun'>,
  signal: AbortSignal,
): Promise<void> {
  if (!left.begun) return
  if (left.uploadId !== undefined) await deps.store.abortUpload(left.object, left.uploadId, signal)
  else await abortUnknownUploads(deps, left.object, signal)
}

/** Aborts the uploads of the key that the ledger does not know. Only the key's one writer may call it. */
export async function abortUnknownUploads(
  { store, catalog }: Deps,
  object: ObjectRef,
  signal: AbortSignal,
): Promise<void> {
  const known = await catalog.ledger.knownUploadIds(object)
  for await (const upload of store.listUploads(object.bucket, object.key, signal)) {
    if (upload.key !== object.key || known.has(upload.uploadId)) continue
    await store.abortUpload(object, upload.uploadId, signal)
  }
}
