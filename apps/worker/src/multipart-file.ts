import { createHash } from 'node:crypto'
import {
  checkpoint,
  type PartReceipt,
  type PlannedPart,
  partSizeFor,
  planParts,
  type StoredObject,
} from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import type { PackedDelivery } from './file-delivery.ts'
import { inParallel } from './in-parallel.ts'
import { intendUpload } from './intend-upload.ts'
import { PartsRecorder } from './parts-recorder.ts'
import { persistently } from './persistently.ts'
import { readPart } from './read-slice.ts'
import { writeFenced } from './write-fenced.ts'

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
export async function uploadInParts(context: WorkerContext, delivery: PackedDelivery): Promise<StoredObject> {
  const resumed = await resumeUpload(context, delivery)
  if (resumed !== undefined && 'proven' in resumed) return resumed.proven
  const upload = resumed ?? (await beginUpload(context, delivery))
  const parts = await sendParts(context, delivery, upload)
  const { object, facts, signals } = delivery
  signals.prompt.throwIfAborted()
  checkpoint('worker.before-complete')
  const stored = await writeFenced(context.store, delivery, (precondition) =>
    context.store.completeUpload(object, upload.uploadId, parts, facts, {
      precondition,
      signal: signals.patient,
    }),
  )
  checkpoint('worker.after-complete')
  return stored
}

/** The upload that the ledger knows, with its parts; `proven` when the store has made the object of it already. */
async function resumeUpload(
  { store, catalog }: WorkerContext,
  delivery: PackedDelivery,
): Promise<MultipartUpload | { readonly proven: StoredObject } | undefined> {
  const { file, object, facts, signals } = delivery
  if (delivery.upload?.uploadId === undefined) return undefined
  const { uploadId, partSize } = delivery.upload
  try {
    const parts = await store.listParts(object, uploadId, signals.prompt)
    return { uploadId, partSize, sent: new Map(parts.map((part) => [part.partNumber, part])) }
  } catch (error) {
    if (!(error instanceof LadingError) || error.code !== 'store_upload_gone') throw error
    const proven = await store.prove(object, facts, signals.prompt)
    if (proven) return { proven }
    await catalog.ledger.forget(file.fileId)
    delivery.upload = { uploadId: undefined, partSize }
    return undefined
  }
}

/** The intention first, the id before the first part: whatever instant the process dies at, no upload is orphaned. */
async function beginUpload(context: WorkerContext, delivery: PackedDelivery): Promise<MultipartUpload> {
  const { store } = context
  const { file, object, facts, signals } = delivery
  const partSize = delivery.upload?.partSize ?? partSizeFor(file.size, store.maxParts)
  await intendUpload(context, delivery, partSize)
  signals.prompt.throwIfAborted()
  const uploadId = await store.createUpload(object, facts, signals.patient)
  delivery.upload = { uploadId, partSize }
  await record(context, delivery, uploadId)
  return { uploadId, partSize, sent: new Map() }
}

async function record(context: WorkerContext, delivery: PackedDelivery, uploadId: string): Promise<void> {
  const { catalog, store } = context
  const { file, object, signals } = delivery
  try {
    await persistently(context, signals.prompt, () => catalog.ledger.began(file.fileId, uploadId))
  } catch (error) {
    // Another has the file, and an upload of its own for it: nobody will ever look for this one.
    if (error instanceof LadingError && error.code === 'lease_lost')
      await store.abortUpload(object, uploadId, AbortSignal.timeout(context.config.leaseMs))
    throw error
  }
}

/** Sends what the store lacks. The receipts of all parts, in their order. */
async function sendParts(
  context: WorkerContext,
  delivery: PackedDelivery,
  upload: MultipartUpload,
): Promise<PartReceipt[]> {
  const { catalog, config, log } = context
  const { file, jobId } = delivery
  const receipts: PartReceipt[] = []
  const recorder = new PartsRecorder(
    (parts) => catalog.ledger.parts(file.fileId, upload.uploadId, parts),
    (err) => log.warn({ err, jobId, path: file.path }, 'parts were not recorded yet'),
  )
  try {
    await inParallel(planParts(file, upload.partSize), config.requestsPerTicket, async (part) => {
      const receipt = await sendPart(context, delivery, upload, part)
      receipts.push(receipt)
      recorder.add(receipt)
      checkpoint('worker.after-part')
    })
  } finally {
    await recorder.flush()
  }
  return receipts.sort((a, b) => a.partNumber - b.partNumber)
}

async function sendPart(
  { store, memory, metrics }: WorkerContext,
  { file, object, pack, signals }: PackedDelivery,
  upload: MultipartUpload,
  part: PlannedPart,
): Promise<PartReceipt> {
  const sent = upload.sent.get(part.partNumber)
  if (sent?.size === part.size && sent.crc32 === part.crc32) {
    metrics.resumedParts.inc()
    return sent
  }
  const loan = await memory.borrow(part.size, signals.prompt)
  try {
    await readPart(pack, file, part, loan.buffer)
    if (sent && sent.crc32 === undefined && isMd5Of(sent.etag, loan.buffer)) {
      metrics.resumedParts.inc()
      return sent
    }
    const { partNumber, crc32 } = part
    return await store.uploadPart(
      object,
      upload.uploadId,
      { partNumber, body: loan.buffer, crc32 },
      signals.prompt,
    )
  } finally {
    loan.release()
  }
}

/** Where a store does not list checksums, a part's ETag is its MD5, or proves nothing. */
function isMd5Of(etag: string, bytes: Buffer): boolean {
  return etag.replaceAll('"', '') === createHash('md5').update(bytes).digest('hex')
}
