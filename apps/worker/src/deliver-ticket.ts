import type { Beginning, DeliverableFile, Outcome, TakenWork } from '@lading/catalog'
import { mayRetry, type PackReader, retryDelayMs, type Ticket } from '@lading/core'
import type { LadingError } from '@lading/protocol'
import { abortLeftUpload } from './abort-upload.ts'
import type { WorkerContext } from './context.ts'
import { asLadingError, deliverFile } from './deliver-file.ts'
import { inParallel } from './in-parallel.ts'
import type { HeldLease, LeaseKeeper } from './lease-keeper.ts'
import { OpenPacks } from './open-packs.ts'
import { dropPacks } from './pack-janitor.ts'

/** How a ticket's files came out: those that ended, and the last error of those that are still to be delivered. */
interface Progress {
  readonly outcomes: Outcome[]
  retryAfter: LadingError | undefined
  /** Files whose key another writer holds. */
  waiting: number
}

/**
 * The way of a job's piece: take the lease, ask which files may be written, deliver them, commit what came of it, hand
 * back what is left. Never rejects for a failed delivery. `stop` fires when this process is to hand over.
 */
export async function deliverTicket(
  context: WorkerContext,
  keeper: LeaseKeeper,
  ticket: Ticket,
  stop: AbortSignal,
): Promise<void> {
  const { catalog, config, metrics, workerId, log } = context
  const asked = performance.now()
  const work = await catalog.leases.take(ticket, workerId, config.leaseMs)
  if (!work) {
    metrics.fencedDrops.inc({ at: 'take' })
    return
  }
  const lease = keeper.hold(ticket, asked)
  const ended = metrics.ticketSeconds.startTimer()
  try {
    const progress = await workThrough(context, work, lease, AbortSignal.any([lease.signal, stop]))
    await commit(context, work, progress, stop)
  } catch (error) {
    // Postgres went away, or the lease did: the lease runs out by itself, and a successor goes on from the ledger.
    log.warn({ err: error, ...ticket, jobId: work.jobId }, 'work was left to its lease')
  } finally {
    lease.release()
    ended()
  }
}

async function workThrough(
  context: WorkerContext,
  work: TakenWork,
  lease: HeldLease,
  signal: AbortSignal,
): Promise<Progress> {
  const progress: Progress = { outcomes: [], retryAfter: undefined, waiting: 0 }
  const given = givenUpBefore(context, work)
  if (given) {
    for (const file of work.files) progress.outcomes.push({ fileId: file.fileId, ...given })
    return progress
  }
  await using packs = new OpenPacks(context.spools)
  const beginnings = await beginAll(context, work, signal)
  await inParallel(work.files, context.config.requestsPerTicket, async (file) => {
    const beginning = beginnings.get(file.fileId)
    if (beginning) await oneFile(context, work, lease, packs, file, beginning, signal, progress)
  })
  return progress
}

function givenUpBefore(
  { config }: WorkerContext,
  work: TakenWork,
): { state: 'cancelled' } | { state: 'failed'; code: 'lease_lost'; detail: string } | undefined {
  if (work.cancelRequested) return { state: 'cancelled' }
  if (work.expiries < config.retry.expiries) return undefined
  const detail = `${work.expiries} workers stopped without a word while they delivered this file or one beside it`
  return { state: 'failed', code: 'lease_lost', detail }
}

/** Asks for all files at once, and once more for those whose key a dead writer had left in the middle of an upload. */
async function beginAll(
  context: WorkerContext,
  work: TakenWork,
  signal: AbortSignal,
): Promise<Map<string, Beginning>> {
  const { delivery } = context.catalog
  const ids = work.files.map((file) => file.fileId)
  const beginnings = new Map((await delivery.begin(work.ticket, ids)).map((b) => [b.fileId, b]))
  const cleared: string[] = []
  for (const beginning of beginnings.values()) {
    if (beginning.verdict !== 'clear') continue
    await abortLeftUpload(context, beginning.leftBy, signal)
    await delivery.settleLeft(beginning.leftBy.fileId)
    cleared.push(beginning.fileId)
  }
  if (cleared.length > 0)
    for (const b of await delivery.begin(work.ticket, cleared)) beginnings.set(b.fileId, b)
  return beginnings
}

async function oneFile(
  context: WorkerContext,
  work: TakenWork,
  lease: HeldLease,
  packs: OpenPacks,
  file: DeliverableFile,
  beginning: Beginning,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const { fileId } = file
  switch (beginning.verdict) {
    case 'superseded':
      progress.outcomes.push({ fileId, state: 'superseded' })
      return
    case 'wait':
    case 'clear':
      progress.waiting++
      return
    case 'go': {
      const superseded = lease.supersededSignal(fileId)
      const stop = AbortSignal.any([signal, superseded])
      try {
        const pack: PackReader = await packs.open(file.packId)
        progress.outcomes.push(await deliverFile(context, work.jobId, pack, file, beginning, stop))
      } catch (error) {
        if (superseded.aborted) progress.outcomes.push({ fileId, state: 'superseded' })
        else if (lease.cancelled) progress.outcomes.push({ fileId, state: 'cancelled' })
        else if (!signal.aborted) failedAttempt(context, work, file, asLadingError(error), progress)
      }
      return
    }
    default:
      beginning satisfies never
  }
}

function failedAttempt(
  { config, metrics, log }: WorkerContext,
  work: TakenWork,
  file: DeliverableFile,
  error: LadingError,
  progress: Progress,
): void {
  metrics.failedAttempts.inc({ code: error.code })
  const again = error.retryable && mayRetry(config.retry, work)
  log.warn(
    { err: error, jobId: work.jobId, path: file.path, attempts: work.attempts, again },
    'a file was not delivered',
  )
  if (again) {
    progress.retryAfter = error
    return
  }
  const tries = work.attempts > 1 ? ` (attempt ${work.attempts}, the last)` : ''
  progress.outcomes.push({
    fileId: file.fileId,
    state: 'failed',
    code: error.code,
    detail: `${error.detail}${tries}`,
  })
}

async function commit(
  context: WorkerContext,
  work: TakenWork,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const { catalog, metrics } = context
  await abortEnded(context, work, progress.outcomes)
  const settled = await catalog.delivery.settle(work.ticket, progress.outcomes)
  if (settled.moved < progress.outcomes.length) metrics.fencedDrops.inc({ at: 'settle' })
  count(context, work, progress.outcomes)
  if (progress.outcomes.length < work.files.length) await handBack(context, work, progress, stop)
  await dropPacks(context, settled.freePacks, 'delivered')
}

/** Uploads of files that will not be delivered end before their files do, so that the next writer finds the key free. */
async function abortEnded(
  context: WorkerContext,
  work: TakenWork,
  outcomes: readonly Outcome[],
): Promise<void> {
  const ended = new Set(
    outcomes.filter((o) => o.state === 'superseded' || o.state === 'cancelled').map((o) => o.fileId),
  )
  const limit = AbortSignal.timeout(context.config.leaseMs / 3)
  for (const { fileId, object, size, upload } of work.files) {
    // An upload that this attempt began is not in `upload`: the ledger knows it, and the sweeper reads the ledger.
    if (!ended.has(fileId) || upload === undefined || size === 0) continue
    await abortLeftUpload(context, { object, begun: true, uploadId: upload.uploadId }, limit)
  }
}

function count({ metrics }: WorkerContext, work: TakenWork, outcomes: readonly Outcome[]): void {
  const sizes = new Map(work.files.map((file) => [file.fileId, file.size]))
  for (const outcome of outcomes) {
    metrics.delivered.inc({ state: outcome.state })
    if (outcome.state === 'stored') metrics.deliveredBytes.inc(sizes.get(outcome.fileId) ?? 0)
  }
}

/** A process that stops, and a key that is taken, cost no attempt. */
async function handBack(
  { catalog, config }: WorkerContext,
  work: TakenWork,
  { retryAfter, waiting }: Progress,
  stop: AbortSignal,
): Promise<void> {
  if (retryAfter && !stop.aborted) {
    const error = { code: retryAfter.code, detail: retryAfter.detail }
    await catalog.leases.handBack(work.ticket, {
      delayMs: retryDelayMs(config.retry, work.attempts),
      burn: true,
      error,
    })
    return
  }
  await catalog.leases.handBack(work.ticket, { delayMs: waiting > 0 ? KEY_TAKEN_MS : 0, burn: false })
}

/** How long to leave work whose key another writer holds, milliseconds. */
const KEY_TAKEN_MS = 100
