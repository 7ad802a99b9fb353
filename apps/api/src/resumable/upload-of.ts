import type { ResumableUpload } from '@lading/catalog'
import { isId, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { found } from '../routes/ids.ts'

/** The upload, if it is the tenant's and its bytes are in this spool. Fails with `upload_not_found`, `upload_elsewhere`. */
export async function uploadOf(
  { catalog, spool }: Pick<ApiContext, 'catalog' | 'spool'>,
  tenant: TenantId,
  uploadId: string,
): Promise<ResumableUpload> {
  const given = isId(uploadId) ? await catalog.resumable.get(tenant, uploadId) : undefined
  const upload = found(given, 'upload_not_found', 'upload', uploadId)
  if (upload.spoolId === spool.id || upload.acceptedJobId !== undefined) return upload
  throw new LadingError(
    'upload_elsewhere',
    'the bytes of this upload are in the spool of another host; the load balancer must send all requests for one upload to one host',
  )
}
