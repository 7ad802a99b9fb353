import { newKey } from './idempotency-key.ts'
import type { UploadOptions } from './options.ts'
import { sendResumable } from './resumable.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { sha256Of } from './sha256.ts'
import { ship } from './ship.ts'
import { inMemory, type Source } from './source.ts'
import { naming } from './unreadable.ts'

const RESUMABLE_FROM = 16 * 1024 * 1024

/** A file whose SHA-256 was taken; it goes with it, so that the server refuses what was changed in between. */
export interface HashedFile {
  /** In the run, or in the directory of the open job. */
  readonly path: string
  readonly source: Source
  readonly sha256: string
  readonly idempotencyKey: string
}

/** Sends one file; the id of its job. */
export function sendFile(
  context: RunContext,
  path: string,
  source: Source,
  options: UploadOptions,
): Promise<string> {
  const { idempotencyKey = newKey(), signal } = options
  return naming(path, async () => {
    const sha256 = await sha256Of(source, context.digests, signal)
    return await sendHashed(context, { path, source, sha256, idempotencyKey }, options)
  })
}

/** Sends one file, a large one in pieces; the id of its job. */
export function sendHashed(context: RunContext, file: HashedFile, options: UploadOptions): Promise<string> {
  const { resumableFrom = RESUMABLE_FROM } = context.transport.options
  return file.source.size >= resumableFrom
    ? sendResumable(context.transport, context.address, file, options)
    : put(context, file, options)
}

async function put(context: RunContext, file: HashedFile, options: UploadOptions): Promise<string> {
  const { path, source, sha256, idempotencyKey } = file
  const body = await inMemory(source)
  options.onProgress?.({ sent: 0, total: body.length })
  const shipment = {
    address: artifactAddress(context, path),
    method: 'PUT',
    contentType: 'application/octet-stream',
    body,
    sha256,
    idempotencyKey,
  } as const
  const { job_id: jobId } = await ship(context.transport, shipment, options)
  options.onProgress?.({ sent: body.length, total: body.length })
  return jobId
}
