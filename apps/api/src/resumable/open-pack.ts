import type { ResumableUpload } from '@lading/catalog'
import type { DigestTaker, GrowingPack } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { Unpacking } from '../ingest/unpacking.ts'
import type { Call } from '../operation.ts'
import type { HeldUpload } from './hold.ts'

export interface OpenPack extends AsyncDisposable {
  readonly pack: GrowingPack
  /** Of all that the pack holds. */
  readonly digests: DigestTaker
}

/**
 * Opens the pack of the upload at the bytes that were promised, with their digests. `expectedBytes` are reserved. Fails
 * with `spool_full`, and `upload_not_found` when the spool has lost the bytes: the client then begins anew.
 */
export async function openPack(
  context: ApiContext,
  call: Pick<Call<unknown, unknown, unknown>, 'request' | 'response'>,
  { upload, holder, signal }: HeldUpload,
  expectedBytes: number,
): Promise<OpenPack> {
  const { uploadId, received } = upload
  await using stack = new AsyncDisposableStack()
  const grown = context.spool.grow(uploadId, { from: received, expectedBytes })
  const pack = stack.use(await grown.catch((error) => lost(error, () => forget(context, upload, holder))))
  using reading = new Unpacking(call, context.bodies, context.config.limits.idleMs)
  const digests = await context.resumable.digests.take(pack, received, () => {
    signal.throwIfAborted()
    reading.check()
  })
  const rest = stack.move()
  return { pack, digests, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

async function lost(error: unknown, forgetIt: () => Promise<void>): Promise<never> {
  if (!(error instanceof LadingError) || error.code !== 'spool_lost') throw error
  await forgetIt()
  throw new LadingError(
    'upload_not_found',
    'temporary storage has lost the bytes of this upload; begin it anew',
    {
      cause: error,
    },
  )
}

/** Drops an upload that can never be accepted, row first: a pack without one is swept. */
export async function forget(
  { catalog, spool }: ApiContext,
  { tenantId, uploadId }: ResumableUpload,
  holder: string,
): Promise<void> {
  await catalog.resumable.remove(tenantId, uploadId, holder)
  await spool.removeGrowing(uploadId)
  await spool.remove(uploadId)
}
