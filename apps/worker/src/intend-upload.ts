import { abortUnknownUploads } from './abort-upload.ts'
import type { WorkerContext } from './context.ts'
import type { FileDelivery } from './file-delivery.ts'
import { persistently } from './persistently.ts'

/**
 * Notes that there may be a multipart upload for the file from now on, or, where that was noted before, aborts those whose
 * ids a predecessor took with it. `partSize` in bytes.
 */
export async function intendUpload(
  context: WorkerContext,
  delivery: FileDelivery,
  partSize: number,
): Promise<void> {
  const { file, object, jobId, signals } = delivery
  const { fileId } = file
  if (delivery.upload) await abortUnknownUploads(context, object, signals.prompt)
  else
    await persistently(context, signals.prompt, () =>
      context.catalog.ledger.intend({ fileId, jobId, object, partSize }),
    )
  delivery.upload = { uploadId: undefined, partSize }
}
