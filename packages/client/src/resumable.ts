import { LadingError } from './errors.ts'
import type { UploadOptions } from './options.ts'
import type { HashedFile } from './send-file.ts'
import type { Source } from './source.ts'
import type { Transport } from './transport.ts'

const TUS = { 'tus-resumable': '1.0.0' }
const PIECE_BYTES = 128 * 1024 * 1024
/** `fetch` tells nothing of how a blob gets on: its progress is known after each piece. */
const BLOB_PIECE_BYTES = 32 * 1024 * 1024

/**
 * Sends a file in pieces (tus 1.0), and goes on where it stood whatever breaks; with the same key, also where another
 * process stopped. The id of the job that it became.
 */
export async function sendResumable(
  transport: Transport,
  runAddress: string,
  file: HashedFile,
  { jobId, onProgress, signal }: UploadOptions,
): Promise<string> {
  const { source } = file
  const usual = source instanceof Blob ? BLOB_PIECE_BYTES : PIECE_BYTES
  const { retries = 5, pieceBytes = usual } = transport.options
  const tell = (sent: number) => onProgress?.({ sent, total: source.size })
  const call = signal === undefined ? {} : { signal }
  const created = await create(transport, runAddress, file, jobId, call)
  const address = `/api/v1/resumable/${idIn(created)}`
  const standing = () => transport.send(address, { ...call, method: 'HEAD', headers: TUS })
  // Of an upload that was begun before, asking ends a request that the server still waits for.
  let answer = offsetIn(created) > 0 ? await standing() : created
  for (let failures = 0; ; ) {
    const sent = offsetIn(answer)
    tell(sent)
    const done = answer.headers.get('lading-job-id')
    if (done !== null) return done
    try {
      const body = bodyOf(source.slice(sent, sent + pieceBytes), (bytes) => tell(sent + bytes))
      answer = await sendPiece(transport, address, body, sent, call)
      failures = 0
    } catch (error) {
      if (signal?.aborted || ++failures > retries || !isPassing(error)) throw error
      await transport.pauseAfter(error, failures, signal)
      answer = await standing()
    }
  }
}

function create(
  transport: Transport,
  runAddress: string,
  { path, source, sha256, idempotencyKey }: HashedFile,
  jobId: string | undefined,
  call: { readonly signal?: AbortSignal },
): Promise<Response> {
  return transport.send(`${runAddress}/resumable`, {
    ...call,
    method: 'POST',
    repeatable: true,
    headers: {
      ...TUS,
      'upload-length': String(source.size),
      'upload-metadata': metadataOf({ path, sha256, job_id: jobId }),
      'idempotency-key': idempotencyKey,
    },
  })
}

/** It is not sent again as it is: what came of it counts, and only the server knows that. */
function sendPiece(
  transport: Transport,
  address: string,
  body: Blob | ReadableStream,
  offset: number,
  call: { readonly signal?: AbortSignal },
): Promise<Response> {
  const headers = {
    ...TUS,
    'content-type': 'application/offset+octet-stream',
    'upload-offset': String(offset),
  }
  return transport.once(address, { ...call, method: 'PATCH', headers, body })
}

/** A blob goes as it is: browsers send no streams over HTTP/1.1, and have no other sources. */
function bodyOf(piece: Source, onBytes: (bytes: number) => void): Blob | ReadableStream {
  if (piece instanceof Blob) return piece
  let given = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      given += chunk.length
      controller.enqueue(chunk)
      if (given < piece.size) onBytes(given)
    },
  })
  return piece.stream().pipeThrough(counted)
}

function isPassing(error: unknown): boolean {
  return error instanceof LadingError && (error.retryable || error.code === 'upload_offset_mismatch')
}

/** The last segment of its address, which a proxy may have put elsewhere. */
function idIn(created: Response): string {
  return created.headers.get('location')?.split('/').at(-1) ?? ''
}

function offsetIn(response: Response): number {
  return Number(response.headers.get('upload-offset') ?? 0)
}

function metadataOf(values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined)
  return pairs.map(([key, value = '']) => `${key} ${base64Of(value)}`).join(',')
}

function base64Of(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}
