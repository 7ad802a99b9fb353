import type { Beginning, DeliverableFile } from '@lading/catalog'
import { artifactTypeOf } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { abortLeftUpload } from './abort-upload.ts'
import type { Attempt } from './attempt.ts'
import { beginFiles } from './begin-files.ts'
import { shareOfLease } from './config.ts'
import type { WorkerContext } from './context.ts'
import { asLadingError, deliverFile } from './deliver-file.ts'
import type { FileDelivery } from './file-delivery.ts'
import { fileSignals } from './file-signals.ts'
import { inParallel } from './in-parallel.ts'
import { OpenPacks } from './open-packs.ts'
import { proveWritten } from './prove-written.ts'

/** Delivers the files of the work that may be written, and notes in the attempt what came of each. */
export async function workThrough(context: WorkerContext, attempt: Attempt): Promise<void> {
  const { work, outcomes } = attempt
  const given = givenUpBefore(context, attempt)
  if (given) {
    for (const { fileId } of work.files) outcomes.push({ fileId, ...given })
    return
  }
  await using packs = new OpenPacks(context.spools, work.files)
  const beginnings = await beginFiles(context, attempt)
  await inParallel(work.files, context.config.requestsPerTicket, async (file) => {
    // The first of a ticket goes ahead: it may be all there is of a tenant.
    if (file !== work.files[0]) await context.turns.next()
    const beginning = beginnings.get(file.fileId)
    if (beginning?.verdict === 'go') await oneFile(context, attempt, packs, file, beginning)
    if (beginning?.verdict === 'superseded') await dropped(context, attempt, file, file.upload, 'superseded')
  })
  await proveWritten(context, attempt)
}

type GivenUp = { state: 'cancelled' } | { state: 'failed'; code: 'lease_lost'; detail: string }

function givenUpBefore({ config }: WorkerContext, { work }: Attempt): GivenUp | undefined {
  if (work.cancelRequested) return { state: 'cancelled' }
  if (work.expiries < config.retry.expiries) return undefined
  const detail = `${work.expiries} workers stopped without a word while they delivered this file or one beside it`
  return { state: 'failed', code: 'lease_lost', detail }
}

async function oneFile(
  context: WorkerContext,
  attempt: Attempt,
  packs: OpenPacks,
  file: DeliverableFile,
  beginning: Beginning & { verdict: 'go' },
): Promise<void> {
  const { fileId } = file
  const { object } = beginning
  const { lease, letGo } = attempt
  if (file.isDirectory) {
    attempt.outcomes.push({ fileId, state: 'stored', object: NO_OBJECT, etag: '' })
    return
  }
  using signals = fileSignals(letGo, attempt.unwanted(fileId), graceOf(context))
  let delivery: FileDelivery | undefined
  try {
    const pack = file.packId === undefined ? undefined : await packs.open(file.packId)
    delivery = {
      jobId: attempt.work.jobId,
      file,
      object,
      pack,
      facts: { ...pick(file), contentType: artifactTypeOf(file.path).contentType },
      expected: beginning.replaces ? { kind: 'etag', etag: beginning.replaces.etag } : { kind: 'absent' },
      signals,
      checkLease: () => lease.check(),
      confirm: () => confirm(context, attempt, fileId),
      upload: file.upload,
    }
    attempt.written(fileId, await deliverFile(context, delivery))
  } catch (error) {
    if (letGo.aborted) return
    const { code } = asLadingError(error)
    const upload = delivery ? delivery.upload : file.upload
    if (lease.superseded(fileId).aborted || code === 'superseded')
      await dropped(context, attempt, { fileId, object }, upload, 'superseded')
    else if (lease.cancelled.aborted) await dropped(context, attempt, { fileId, object }, upload, 'cancelled')
    else if (code !== 'lease_lost') attempt.failed(fileId, asLadingError(error))
  }
}

/** An empty directory is a row of the catalog and nothing else. */
const NO_OBJECT = { bucket: '', key: '' }

function pick({ size, sha256, crc32 }: DeliverableFile) {
  return { size, sha256, crc32 }
}

/** Asks for the file as if for the first time: what the key's lock says now is what counts. */
async function confirm({ catalog }: WorkerContext, { work }: Attempt, fileId: string): Promise<void> {
  const [answer] = await catalog.delivery.begin(work.ticket, [fileId])
  if (answer?.verdict === 'go') return
  if (answer?.verdict === 'superseded')
    throw new LadingError('superseded', 'a newer file was accepted for the same path')
  throw new LadingError('lease_lost', `file ${fileId} is no longer this worker's to write`)
}

/**
 * The upload of a file that will not be delivered ends before its file does, so that the next writer finds the key free.
 * Where it cannot be aborted, a superseded file is tried again, as long as it may be; the job of a cancelled one ends
 * all the same, and the sweeper aborts the upload.
 */
async function dropped(
  context: WorkerContext,
  attempt: Attempt,
  { fileId, object }: Pick<DeliverableFile, 'fileId' | 'object'>,
  upload: DeliverableFile['upload'],
  state: 'superseded' | 'cancelled',
): Promise<void> {
  if (upload) {
    const limit = AbortSignal.any([attempt.letGo, AbortSignal.timeout(graceOf(context))])
    try {
      await abortLeftUpload(context, { object, begun: true, uploadId: upload.uploadId }, limit)
    } catch (error) {
      if (attempt.letGo.aborted) return
      if (state === 'superseded' && attempt.triesAgain(fileId, asLadingError(error))) return
      context.log.warn({ err: error, fileId }, 'an upload was left to the sweeper')
    }
  }
  attempt.outcomes.push({ fileId, state })
}

/** What a request on which much depends is given to end by itself, milliseconds. */
function graceOf({ config }: WorkerContext): number {
  return shareOfLease(config, 1 / 3)
}
