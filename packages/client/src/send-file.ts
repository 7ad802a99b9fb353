import { newKey } from './idempotency-key.ts'
import type { UploadOptions } from './options.ts'
import { sendResumable } from './resumable.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { sha256Of } from './sha256.ts'
import { ship } from './ship.ts'
import { inMemory, type Source } from './source.ts'
import { naming } from './unreadable.ts'

const RESUMABLE_FROM = 16 * 1024 * 1024
/** So many times that size, a file is hashed while it is sent. It is one more request; a smaller one is read again as quickly. */
const HASHED_WHILE_SENT = 4

export interface FileToSend {
  /** In the run, or in the directory of the open job. */
  readonly path: string
  readonly source: Source
  /** Where it was taken already; else it is while the file is sent. The server refuses other bytes. */
  readonly sha256: string | undefined
  readonly idempotencyKey: string
}

/** Sends one file; the id of its job. */
export function logFile(
  context: RunContext,
  path: string,
  source: Source,
  options: UploadOptions,
): Promise<string> {
  const { idempotencyKey = newKey() } = options
  return naming(path, () => sendFile(context, { path, source, sha256: undefined, idempotencyKey }, options))
}

/** The same, a large one in pieces. */
export async function sendFile(
  context: RunContext,
  file: FileToSend,
  options: UploadOptions,
): Promise<string> {
  const { resumableFrom = RESUMABLE_FROM } = context.transport.options
  if (file.source.size < resumableFrom) return await put(context, file, options)
  const isSmall = file.source.size < HASHED_WHILE_SENT * resumableFrom
  return await sendResumable(context, isSmall ? await hashed(context, file, options) : file, options)
}

async function hashed(
  { digests }: RunContext,
  file: FileToSend,
  { signal }: UploadOptions,
): Promise<FileToSend> {
  return file.sha256 === undefined ? { ...file, sha256: await sha256Of(file.source, digests, signal) } : file
}

async function put(context: RunContext, file: FileToSend, options: UploadOptions): Promise<string> {
  const { path, source, idempotencyKey } = file
  const body = await inMemory(source)
  options.onProgress?.({ sent: 0, total: body.length })
  const shipment = {
    address: artifactAddress(context, path),
    method: 'PUT',
    contentType: 'application/octet-stream',
    body,
    sha256: file.sha256 ?? (await context.digests.whole(body)),
    idempotencyKey,
  } as const
  const { job_id: jobId } = await ship(context.transport, shipment, options)
  options.onProgress?.({ sent: body.length, total: body.length })
  return jobId
}
