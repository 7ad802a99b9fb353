import { chunksOf } from './chunks.ts'
import type { DigestSoFar } from './digest-so-far.ts'
import type { FileToSend } from './send-file.ts'
import type { Sha256 } from './sha256.ts'
import { inMemory, type Source } from './source.ts'
import type { Call, Transport } from './transport.ts'
import { metadataOf, PIECE_TYPE, TUS } from './tus.ts'

const PIECE_BYTES = 128 * 1024 * 1024
/** `fetch` tells nothing of how a blob gets on: its progress is known after each piece. */
const BLOB_PIECE_BYTES = 32 * 1024 * 1024
/** The last piece is in memory: with it goes the digest of all, so it is hashed before it is sent. */
const LAST_PIECE_BYTES = 1024 * 1024

/** An upload that is sent in pieces. */
export interface Sending {
  readonly transport: Transport
  readonly address: string
  readonly file: FileToSend
  readonly digest: DigestSoFar
  /** Told how many bytes of the file are on their way. */
  readonly tell: (sent: number) => void
  readonly signal: AbortSignal | undefined
}

/**
 * Sends what comes next from `offset` on, hashing it. It is not sent again as it is: what came of it counts, and only the
 * server knows that.
 */
export async function sendPiece(sending: Sending, offset: number): Promise<Response> {
  const { source } = sending.file
  const usual = source instanceof Blob ? BLOB_PIECE_BYTES : PIECE_BYTES
  const { pieceBytes = usual } = sending.transport.options
  if (sending.file.sha256 !== undefined) return await sendHashed(sending, offset, offset + pieceBytes)
  const lastBytes = Math.min(LAST_PIECE_BYTES, pieceBytes)
  if (source.size - offset <= lastBytes) return await sendLast(sending, offset)
  return await sendHashing(sending, offset, Math.min(offset + pieceBytes, source.size - lastBytes))
}

function sendHashed(sending: Sending, offset: number, end: number): Promise<Response> {
  const { source, sha256 } = sending.file
  const body = bodyOf(source.slice(offset, end), offset, sending.tell)
  return patch(sending, offset, body, end < source.size ? {} : { 'upload-metadata': metadataOf({ sha256 }) })
}

async function sendHashing(sending: Sending, offset: number, end: number): Promise<Response> {
  const { file, digest, tell, signal } = sending
  const piece = file.source.slice(offset, end)
  const hash = await digest.at(offset, signal)
  const [answer] = await Promise.all([
    patch(sending, offset, bodyOf(piece, offset, tell, hash)),
    piece instanceof Blob ? hashAside(piece, hash) : undefined,
  ])
  digest.keep(hash, end)
  return answer
}

async function sendLast(sending: Sending, offset: number): Promise<Response> {
  const { file, digest, signal } = sending
  const bytes = await inMemory(file.source.slice(offset, file.source.size))
  const sha256 = hexAfter(await digest.at(offset, signal), bytes)
  return await patch(sending, offset, bytes, { 'upload-metadata': metadataOf({ sha256 }) })
}

function patch(
  { transport, address, signal }: Sending,
  offset: number,
  body: NonNullable<Call['body']>,
  fields: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const headers = { ...TUS, 'content-type': PIECE_TYPE, 'upload-offset': String(offset), ...fields }
  return transport.once(address, {
    method: 'PATCH',
    headers,
    body,
    ...(signal !== undefined && { signal }),
  })
}

/** A blob goes as it is: browsers send no streams over HTTP/1.1, and have no other sources. */
function bodyOf(
  piece: Source,
  offset: number,
  tell: (sent: number) => void,
  hash?: Sha256,
): Blob | ReadableStream {
  if (piece instanceof Blob) return piece
  let given = 0
  const passing = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      hash?.update(chunk)
      given += chunk.length
      controller.enqueue(chunk)
      if (given < piece.size) tell(offset + given)
    },
  })
  return piece.stream().pipeThrough(passing)
}

async function hashAside(piece: Blob, hash: Sha256): Promise<void> {
  for await (const chunk of chunksOf(piece.stream())) hash.update(chunk)
}

function hexAfter(hash: Sha256, bytes: Uint8Array): string {
  hash.update(bytes)
  return hash.hex()
}
