import { createHash } from 'node:crypto'
import type { DeliverableFile } from '@lading/catalog'
import {
  type ObjectFacts,
  type PackReader,
  type PartReceipt,
  type PlannedPart,
  type Precondition,
  partSizeFor,
  planParts,
  type StoredObject,
} from '@lading/core'
import { LadingError } from '@lading/protocol'
import { abortUnknownUploads } from './abort-upload.ts'
import type { WorkerContext } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { PartsRecorder } from './parts-recorder.ts'
import { writeFenced } from './precondition.ts'
import { readPart } from './read-slice.ts'

interface MultipartUpload {
  readonly uploadId: string
  readonly partSize: number
  /** Parts that the store has already, by number. */
  readonly sent: ReadonlyMap<number, PartReceipt>
}

/**
 * Delivers a file in parts, and resumes where a predecessor stopped: the ledger knows the upload, the store knows its
 * parts, and a part that the store has with the right size and checksum is not sent again.
 */
export async function uploadInParts(
  context: WorkerContext,
  jobId: string,
  pack: PackReader,
  file: DeliverableFile,
  facts: ObjectFacts,
  expected: Precondition,
  signal: AbortSignal,
): Promise<StoredObject> {
  const { store, catalog, config, log } = context
  const resumed = await resumeUpload(context, file, facts, signal)
  if (resumed === 'complete') return await mustProve(context, file, facts, signal)
  const upload = resumed ?? (await beginUpload(context, jobId, file, facts, signal))
  const receipts = new Map<number, PartReceipt>()
  const recorder = new PartsRecorder(
    (parts) => catalog.ledger.parts(file.fileId, upload.uploadId, parts),
    (err) => log.warn({ err, jobId, path: file.path }, 'parts were not recorded yet'),
  )
  try {
    await inParallel(planParts(file, upload.partSize), config.requestsPerTicket, async (part) => {
      const receipt = await sendPart(context, pack, file, upload, part, signal)
      receipts.set(part.partNumber, receipt)
      recorder.add(receipt)
    })
  } finally {
    await recorder.flush()
  }
  const parts = [...receipts.values()].sort((a, b) => a.partNumber - b.partNumber)
  return await writeFenced(store, file, facts, expected, signal, (precondition) =>
    store.completeUpload(file.object, upload.uploadId, parts, facts, { precondition, signal }),
  )
}

/** The upload that the ledger knows, with its parts; `complete` when the store has made the object of it already. */
async function resumeUpload(
  { store, catalog }: WorkerContext,
  file: DeliverableFile,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<MultipartUpload | 'complete' | undefined> {
  if (file.upload?.uploadId === undefined) return undefined
  const { uploadId, partSize } = file.upload
  try {
    const parts = await store.listParts(file.object, uploadId, signal)
    return { uploadId, partSize, sent: new Map(parts.map((part) => [part.partNumber, part])) }
  } catch (error) {
    if (!(error instanceof LadingError) || error.code !== 'store_upload_gone') throw error
    if (await store.prove(file.object, facts, signal)) return 'complete'
    await catalog.ledger.forget(file.fileId)
    return undefined
  }
}

async function mustProve(
  { store }: WorkerContext,
  file: DeliverableFile,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<StoredObject> {
  const proven = await store.prove(file.object, facts, signal)
  if (!proven)
    throw new LadingError('store_object_mismatch', `${store.uri(file.object)} changed while it was checked`)
  return proven
}

/** The intention first, the id before the first part: whatever instant the process dies at, no upload is orphaned. */
async function beginUpload(
  context: WorkerContext,
  jobId: string,
  file: DeliverableFile,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<MultipartUpload> {
  const { store, catalog } = context
  const partSize = file.upload?.partSize ?? partSizeFor(file.size, store.maxParts)
  if (file.upload) await abortUnknownUploads(context, file.object, signal)
  else await catalog.ledger.intend({ fileId: file.fileId, jobId, object: file.object, partSize })
  const uploadId = await store.createUpload(file.object, facts, signal)
  await catalog.ledger.began(file.fileId, uploadId)
  return { uploadId, partSize, sent: new Map() }
}

async function sendPart(
  { store, memory, metrics }: WorkerContext,
  pack: PackReader,
  file: DeliverableFile,
  upload: MultipartUpload,
  part: PlannedPart,
  signal: AbortSignal,
): Promise<PartReceipt> {
  const sent = upload.sent.get(part.partNumber)
  if (sent?.size === part.size && sent.crc32 === part.crc32) {
    metrics.resumedParts.inc()
    return sent
  }
  const loan = await memory.borrow(part.size, signal)
  try {
    await readPart(pack, file, part, loan.buffer)
    if (sent && sent.crc32 === undefined && isMd5Of(sent.etag, loan.buffer)) {
      metrics.resumedParts.inc()
      return sent
    }
    const { partNumber, crc32 } = part
    return await store.uploadPart(
      file.object,
      upload.uploadId,
      { partNumber, body: loan.buffer, crc32 },
      signal,
    )
  } finally {
    loan.release()
  }
}

/** Where a store does not list checksums, a part's ETag is its MD5, or proves nothing. */
function isMd5Of(etag: string, bytes: Buffer): boolean {
  return etag.replaceAll('"', '') === createHash('md5').update(bytes).digest('hex')
}
