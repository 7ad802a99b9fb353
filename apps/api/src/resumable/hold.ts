import type { ResumableUpload } from '@lading/catalog'
import { newId, type Sha256Hex, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { found } from '../routes/ids.ts'
import { uploadOf } from './upload-of.ts'

/** An upload that this request alone works on, in any process; disposing of it lets go. */
export interface HeldUpload extends AsyncDisposable {
  /** As it was when it was taken. */
  readonly upload: ResumableUpload
  readonly holder: string
  /** Ends the work: a newer request has come. */
  readonly signal: AbortSignal
  /** Promises bytes that are on the disk. Fails with `upload_locked`. */
  record(received: number): Promise<void>
  /** Notes the SHA-256 that the whole file must have, where none is noted. Fails with `upload_locked`. */
  declare(sha256: Sha256Hex): Promise<void>
}

/** Fails with `upload_not_found`, `upload_elsewhere`, and `upload_locked` where another process holds it. */
export async function hold(context: ApiContext, tenant: TenantId, uploadId: string): Promise<HeldUpload> {
  await using stack = new AsyncDisposableStack()
  await uploadOf(context, tenant, uploadId)
  const { signal } = stack.use(await context.resumable.underWay.begin(uploadId))
  const { resumable } = context.catalog
  const { uploadLeaseMs: leaseMs, keepUploadMs: keepMs } = context.config.limits
  const times = { leaseMs, keepMs }
  const holder = newId()
  const upload = await resumable.take(tenant, uploadId, holder, leaseMs)
  if (upload === undefined) throw await whyNot(context, tenant, uploadId)
  stack.defer(() => letGo(context, upload, holder))
  const renewal = setInterval(() => void renew(context, upload, holder), leaseMs / 3)
  stack.defer(() => clearInterval(renewal))
  const rest = stack.move()
  return {
    upload,
    holder,
    signal,
    async record(received) {
      if (!(await resumable.record(tenant, uploadId, holder, received, times))) throw locked()
    },
    async declare(sha256) {
      if (!(await resumable.declare(tenant, uploadId, holder, sha256))) throw locked()
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

async function whyNot({ catalog }: ApiContext, tenant: TenantId, uploadId: string): Promise<LadingError> {
  found(await catalog.resumable.get(tenant, uploadId), 'upload_not_found', 'upload', uploadId)
  return locked()
}

function locked(): LadingError {
  return new LadingError('upload_locked', 'another process adds to this upload, or was killed while it did', {
    retryAfter: 2,
  })
}

/** A renewal that fails costs nothing yet: should another take the upload over, nothing more is promised. */
async function renew(
  { catalog, config, log }: ApiContext,
  { tenantId, uploadId }: ResumableUpload,
  holder: string,
): Promise<void> {
  try {
    await catalog.resumable.renew(tenantId, uploadId, holder, config.limits.uploadLeaseMs)
  } catch (error) {
    log.warn({ err: error, upload_id: uploadId }, 'could not renew the lease of a resumable upload')
  }
}

/** Where the catalog is away, the lease runs out by itself. */
async function letGo(
  { catalog, log }: ApiContext,
  { tenantId, uploadId }: ResumableUpload,
  holder: string,
): Promise<void> {
  try {
    await catalog.resumable.release(tenantId, uploadId, holder)
  } catch (error) {
    log.warn({ err: error, upload_id: uploadId }, 'could not release a resumable upload yet')
  }
}
