import type { Job } from '@lading/catalog'
import { type Digests, formatKey } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { checkSha256 } from '../ingest/declared-digest.ts'
import { runOf } from '../routes/ids.ts'
import type { HeldUpload } from './hold.ts'
import { forget, type OpenPack } from './open-pack.ts'

/**
 * All bytes are there: the pack is sealed, and accepted as every upload is. What can never be accepted is dropped; after
 * an error that may pass, a later request tries again. Fails with `digest_mismatch`, `path_conflict`,
 * `job_state_conflict`, `run_not_found`.
 */
export async function finish(
  context: ApiContext,
  held: HeldUpload,
  { pack, digests }: OpenPack,
): Promise<Job> {
  try {
    const found = digests.finish()
    checkSha256(found.sha256, held.upload.sha256, 'Upload-Metadata: sha256')
    await pack.seal()
    const job = await accept(context, held, found)
    context.meters.acceptedFiles.inc()
    context.meters.acceptedBytes.inc(found.size)
    return job
  } catch (error) {
    if (error instanceof LadingError && !error.retryable) await forget(context, held.upload, held.holder)
    throw error
  }
}

async function accept(context: ApiContext, { upload, holder }: HeldUpload, digests: Digests): Promise<Job> {
  const { catalog, spool, config } = context
  const { uploadId, path, jobId } = upload
  const run = await runOf(catalog, upload.tenantId, upload.runId)
  formatKey({ scheme: config.locations.scheme.scheme, ...run.location }, path)
  await catalog.uploads.checkPaths(run, [path])
  return await catalog.uploads.accept({
    run,
    spoolId: spool.id,
    pack: { packId: uploadId, bytes: digests.size },
    job: jobId === undefined ? { kind: 'new', atomic: false } : { kind: 'open', jobId },
    files: [{ path, type: 'file', mode: undefined, mtime: undefined, packOffset: 0, ...digests }],
    idempotency: undefined,
    resumed: { uploadId, holder },
  })
}
