import type { ResumableUpload } from '@lading/catalog'
import type { ApiContext } from '../context.ts'
import { beginUpload } from '../ingest/begin-upload.ts'
import { roomOf } from '../ingest/room.ts'
import type { Call } from '../operation.ts'
import { contentLengthOf, hasContent } from '../request-head.ts'
import { append, checkPiece } from './append.ts'
import { declareDigest } from './declare-digest.ts'
import { finish } from './finish.ts'
import { type HeldUpload, hold } from './hold.ts'
import { type OpenPack, openPack } from './open-pack.ts'

type UploadRequest = Pick<Call<unknown, unknown, unknown>, 'request' | 'response' | 'tenant'>

/**
 * Takes the body of the request as the bytes from `offset` on, and accepts the upload when they were the last. A client that
 * hashes while it sends says with the last ones what SHA-256 all of them have.
 */
export async function takePiece(
  context: ApiContext,
  call: UploadRequest,
  uploadId: string,
  offset: number,
): Promise<ResumableUpload> {
  await using _upload = await beginUpload(context, call)
  await using held = await hold(context, call.tenant, uploadId)
  if (held.upload.acceptedJobId !== undefined && offset === held.upload.size) return held.upload
  checkPiece(call, held, offset)
  const { size } = held.upload
  const expected = contentLengthOf(call.request) ?? size - offset
  const isPiece = hasContent(call.request)
  const room = isPiece ? await roomOf(context.catalog.quotas, call.tenant) : undefined
  room?.check({ objects: 1, bytes: size }, expected)
  const declared = await declareDigest(call.request, held)
  await using open = await openPack(context, call, declared, expected)
  const received = isPiece ? await append(context, call, declared, open) : offset
  return await acceptWhole(context, declared, open, received)
}

/**
 * Where the upload stands. Ends the request that adds to it, whose client has given it up if it asks; and accepts it
 * where all bytes are there and a kill, or the catalog's absence, was in the way.
 */
export async function settle(
  context: ApiContext,
  call: UploadRequest,
  upload: ResumableUpload,
): Promise<ResumableUpload> {
  if (upload.acceptedJobId !== undefined) return upload
  await endOtherRequest(context, upload.uploadId)
  const now = (await context.catalog.resumable.get(call.tenant, upload.uploadId)) ?? upload
  if (now.received < now.size || now.acceptedJobId !== undefined) return now
  return await takePiece(context, call, now.uploadId, now.size)
}

async function endOtherRequest(context: ApiContext, uploadId: string): Promise<void> {
  using _turn = await context.resumable.underWay.begin(uploadId)
}

async function acceptWhole(
  context: ApiContext,
  held: HeldUpload,
  open: OpenPack,
  received: number,
): Promise<ResumableUpload> {
  if (received < held.upload.size) return { ...held.upload, received }
  const { jobId } = await finish(context, held, open)
  return { ...held.upload, received, acceptedJobId: jobId }
}
