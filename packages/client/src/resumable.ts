import { DigestSoFar } from './digest-so-far.ts'
import { LadingError } from './errors.ts'
import type { UploadOptions } from './options.ts'
import type { RunContext } from './run-context.ts'
import type { FileToSend } from './send-file.ts'
import { type Sending, sendPiece } from './send-piece.ts'
import { sha256Of } from './sha256.ts'
import { idIn, metadataOf, offsetIn, TUS } from './tus.ts'

/**
 * Sends a file in pieces (tus 1.0), and goes on where it stood whatever breaks; with the same key, also where another
 * process stopped. It is hashed as it goes; the server compares before it accepts. The id of the job that it became.
 */
export async function sendResumable(
  context: RunContext,
  file: FileToSend,
  options: UploadOptions,
): Promise<string> {
  const { transport } = context
  const { signal } = options
  const { retries = 5 } = transport.options
  const created = await create(context, file, options)
  const sending = sendingOf(context, file, `/api/v1/resumable/${idIn(created)}`, options)
  // Of an upload that was begun before, asking ends a request that the server still waits for.
  let answer = offsetIn(created) > 0 ? await standing(sending) : created
  if (jobIn(answer) !== null) await checkSame(context, file, answer, signal)
  for (let failures = 0; ; ) {
    const sent = offsetIn(answer)
    sending.tell(sent)
    const done = jobIn(answer)
    if (done !== null) return done
    try {
      answer = await sendPiece(sending, sent)
      failures = 0
    } catch (error) {
      if (signal?.aborted || ++failures > retries || !isPassing(error)) throw error
      await transport.pauseAfter(error, failures, signal)
      answer = await standing(sending)
    }
  }
}

function create(
  { transport, address }: RunContext,
  { path, source, idempotencyKey }: FileToSend,
  { jobId, signal }: UploadOptions,
): Promise<Response> {
  return transport.send(`${address}/resumable`, {
    method: 'POST',
    repeatable: true,
    headers: {
      ...TUS,
      'upload-length': String(source.size),
      'upload-metadata': metadataOf({ path, job_id: jobId }),
      'idempotency-key': idempotencyKey,
    },
    ...(signal !== undefined && { signal }),
  })
}

function sendingOf(
  { transport, digests }: RunContext,
  file: FileToSend,
  address: string,
  { onProgress, signal }: UploadOptions,
): Sending {
  const { source } = file
  const tell = (sent: number) => onProgress?.({ sent, total: source.size })
  return { transport, address, file, digest: new DigestSoFar(source, digests), tell, signal }
}

function standing({ transport, address, signal }: Sending): Promise<Response> {
  return transport.send(address, {
    method: 'HEAD',
    headers: TUS,
    ...(signal !== undefined && { signal }),
  })
}

/** Of an upload that an earlier call with this key has completed. Fails with `idempotency_key_reused`. */
async function checkSame(
  { digests }: RunContext,
  { path, source, sha256 }: FileToSend,
  { headers }: Response,
  signal: AbortSignal | undefined,
): Promise<void> {
  const accepted = headers.get('lading-sha256')
  if (accepted === null || accepted === (sha256 ?? (await sha256Of(source, digests, signal)))) return
  throw new LadingError(
    'idempotency_key_reused',
    `${path}: other bytes were logged with this key before; give each version a key of its own`,
  )
}

function jobIn({ headers }: Response): string | null {
  return headers.get('lading-job-id')
}

function isPassing(error: unknown): boolean {
  return error instanceof LadingError && (error.retryable || error.code === 'upload_offset_mismatch')
}
