import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { readBody } from '../ingest/body-reader.ts'
import type { Call } from '../operation.ts'
import { contentLengthOf } from '../request-head.ts'
import type { HeldUpload } from './hold.ts'
import type { OpenPack } from './open-pack.ts'
import { PieceChecksum } from './piece-checksum.ts'

/** Bytes after which those that came are flushed and promised, in the midst of a request: what a kill costs at most. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024

/**
 * Adds the body of the request to the pack. However it ends, all that came is on the disk and promised; but of a body
 * with a checksum all or nothing. The offset after it. Fails as `readBody`, and with `checksum_mismatch`.
 */
export async function append(
  context: ApiContext,
  call: Pick<Call<unknown, unknown, unknown>, 'request' | 'response'>,
  held: HeldUpload,
  { pack, digests }: OpenPack,
): Promise<number> {
  const { request, response } = call
  const { bodies, resumable, log } = context
  const checksum = PieceChecksum.of(request)
  let promised = held.upload.received
  const promise = async () => {
    const { position } = pack
    await pack.sync()
    if (position > promised) await held.record(position)
    promised = position
  }
  const interrupt = () => bodies.interrupt(request.socket, held.signal.reason)
  held.signal.addEventListener('abort', interrupt, { once: true })
  try {
    held.signal.throwIfAborted()
    await readBody(request, response, bodies, held.upload.size - promised, (chunk) => {
      checksum?.update(chunk)
      digests.update(chunk)
      const wait = pack.write(chunk)
      const isDue = checksum === undefined && pack.position - promised >= CHECKPOINT_BYTES
      return isDue ? Promise.resolve(wait).then(promise) : wait
    })
    checksum?.check()
    await promise()
  } catch (error) {
    if (checksum === undefined && pack.position > promised)
      await promise().catch((err) => log.warn({ err }, 'what came of a piece could not be kept'))
    throw error
  } finally {
    held.signal.removeEventListener('abort', interrupt)
    const isMore = promised < held.upload.size
    if (isMore && digests.size === promised) resumable.digests.keep(pack.packId, digests)
  }
  return promised
}

/** What the head alone can refuse. Fails with `upload_offset_mismatch`, `request_too_large`, and as `PieceChecksum.of`. */
export function checkPiece(
  { request }: Pick<Call<unknown, unknown, unknown>, 'request'>,
  { upload }: HeldUpload,
  offset: number,
): void {
  if (offset !== upload.received) {
    throw new LadingError(
      'upload_offset_mismatch',
      `Upload-Offset: the upload stands at ${upload.received} bytes; go on from there`,
      { headers: { 'upload-offset': String(upload.received) } },
    )
  }
  const length = contentLengthOf(request) ?? 0
  if (offset + length > upload.size) {
    throw new LadingError(
      'request_too_large',
      `Content-Length: only ${upload.size - offset} bytes are missing`,
    )
  }
  PieceChecksum.of(request)
}
