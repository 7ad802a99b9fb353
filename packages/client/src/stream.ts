import { LadingError } from './errors.ts'
import { newKey } from './idempotency-key.ts'
import type { UploadOptions } from './options.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { ship } from './ship.ts'

/** Sends what a stream gives, once, and compares what was accepted with what was sent; the id of its job. */
export async function sendStream(
  context: RunContext,
  path: string,
  stream: ReadableStream<Uint8Array>,
  options: UploadOptions,
): Promise<string> {
  const hash = context.digests.begin()
  let sent = 0
  const hashed = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      hash.update(chunk)
      sent += chunk.length
      options.onProgress?.({ sent, total: undefined })
      controller.enqueue(chunk)
    },
  })
  const shipment = {
    address: artifactAddress(context, path),
    method: 'PUT',
    contentType: 'application/octet-stream',
    body: stream.pipeThrough(hashed),
    sha256: undefined,
    idempotencyKey: options.idempotencyKey ?? newKey(),
  } as const
  const { job_id: jobId, artifact } = await ship(context.transport, shipment, options)
  await compare(context, jobId, artifact, hash.hex(), options.signal)
  return jobId
}

async function compare(
  { jobs }: RunContext,
  jobId: string,
  artifact: string,
  sha256: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const file of jobs.files(jobId, signal === undefined ? {} : { signal })) {
    if (file.path !== artifact || file.sha256 === sha256) continue
    throw new LadingError(
      'digest_mismatch',
      `${artifact}: other bytes were accepted than were sent; log it again`,
    )
  }
}
