import { newKey } from './idempotency-key.ts'
import type { UploadOptions } from './options.ts'
import { sendResumable } from './resumable.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { sha256Of } from './sha256.ts'
import { ship } from './ship.ts'
import { inMemory, type Source } from './source.ts'
import { naming } from './unreadable.ts'

const RESUMABLE_FROM = 64 * 1024 * 1024

/** Sends one file, a large one in pieces; the id of its job. Its SHA-256 is taken first, and goes with it. */
export function sendFile(
  context: RunContext,
  path: string,
  file: Source,
  options: UploadOptions,
): Promise<string> {
  const { resumableFrom = RESUMABLE_FROM } = context.transport.options
  const send = file.size >= resumableFrom ? sendLarge : sendSmall
  return naming(path, () => send(context, path, file, options))
}

async function sendLarge(context: RunContext, path: string, source: Source, options: UploadOptions) {
  const { idempotencyKey = newKey() } = options
  const sha256 = await sha256Of(source, context.digests, options.signal)
  const file = { path, source, sha256, idempotencyKey }
  return await sendResumable(context.transport, context.address, file, options)
}

async function sendSmall(context: RunContext, path: string, file: Source, options: UploadOptions) {
  const { idempotencyKey = newKey(), onProgress } = options
  const body = await inMemory(file)
  onProgress?.({ sent: 0, total: body.length })
  const shipment = {
    address: artifactAddress(context, path),
    method: 'PUT',
    contentType: 'application/octet-stream',
    body,
    sha256: await context.digests.whole(body),
    idempotencyKey,
  } as const
  const { job_id: jobId } = await ship(context.transport, shipment, options)
  onProgress?.({ sent: body.length, total: body.length })
  return jobId
}
