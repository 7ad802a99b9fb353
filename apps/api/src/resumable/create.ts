import type { ResumableUpload, Run } from '@lading/catalog'
import { formatKey, joinArtifactPath } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { targetOf, type UploadCall } from '../ingest/admission.ts'
import { readBody } from '../ingest/body-reader.ts'
import { idempotencyKeyOf } from '../ingest/idempotency.ts'
import { tooLarge } from '../ingest/intake.ts'
import { roomOf } from '../ingest/room.ts'
import { checkPathSize } from '../path-limits.ts'
import { hasContent } from '../request-head.ts'
import { runOf } from '../routes/ids.ts'
import { parseUploadMetadata } from './metadata.ts'
import { takePiece } from './progress.ts'
import { byteCountIn, checkPieceType } from './tus.ts'

/**
 * Makes an upload, and takes what of it the request brings (tus 1.0, Creation and Creation With Upload). What the head
 * and the run can refuse is refused here, before a byte is sent.
 */
export async function create(context: ApiContext, call: UploadCall): Promise<ResumableUpload> {
  const { request, tenant } = call
  if (hasContent(request)) checkPieceType(request)
  const run = await runOf(context.catalog, tenant, call.params.run_id)
  const { upload, replayed } = await note(context, call, run)
  if (replayed && upload.received > 0) {
    await readBody(request, call.response, context.bodies, upload.size, () => undefined)
    return upload
  }
  if (!hasContent(request) && upload.size > 0) return upload
  return await takePiece(context, call, upload.uploadId, 0)
}

async function note(context: ApiContext, call: UploadCall, run: Run) {
  const { catalog, config, spool } = context
  const { limits } = config
  const { request } = call
  const field = request.headers['upload-metadata']
  const metadata = typeof field === 'string' ? field : ''
  const { path: given, sha256, jobId } = parseUploadMetadata(metadata)
  const { directory } = await targetOf(context, { ...call, query: { job_id: jobId } }, run, false)
  const path = joinArtifactPath(directory, given)
  const size = lengthOf(call)
  if (size > limits.fileBytes) throw tooLarge(path, limits.fileBytes)
  checkPathSize(path, limits)
  formatKey({ scheme: config.locations.scheme.scheme, ...run.location }, path)
  await catalog.uploads.checkPaths(run, [path])
  await checkSpace(context, size)
  const idempotencyKey = idempotencyKeyOf(request)
  // With a key this may be the repetition of one that had room; each piece is looked at besides.
  const room = idempotencyKey === undefined ? await roomOf(catalog.quotas, call.tenant) : undefined
  room?.check({ objects: 1, bytes: size }, size)
  return await catalog.resumable.create(
    { run, path, size, sha256, jobId, metadata, spoolId: spool.id, idempotencyKey },
    { most: limits.unfinishedUploads, keepMs: limits.keepUploadMs },
  )
}

function lengthOf({ request }: UploadCall): number {
  const length = byteCountIn(request, 'Upload-Length')
  if (length !== undefined) return length
  throw new LadingError(
    'bad_request',
    'Upload-Length: give the bytes of the file; one of unknown length goes by PUT to its artifact, in chunks',
  )
}

/** A first look only: bytes are reserved while they arrive, so that an upload which rests keeps no room. */
async function checkSpace({ spool }: ApiContext, size: number): Promise<void> {
  const { available } = await spool.space()
  if (available >= size) return
  throw new LadingError(
    'spool_full',
    `temporary storage has no room for ${size} bytes; begin the upload later`,
  )
}
