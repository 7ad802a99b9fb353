import type { TakenWork } from '@lading/catalog'
import { checkpoint, type Ticket } from '@lading/core'
import { Attempt } from './attempt.ts'
import { commit } from './commit.ts'
import type { WorkerContext } from './context.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import { workThrough } from './work-through.ts'

/**
 * The way of a job's piece: take the lease, ask which files may be written, deliver them, commit what came of it, hand
 * back what is left. Never rejects. `stop` fires when this process is to hand over.
 */
export async function deliverTicket(
  context: WorkerContext,
  keeper: LeaseKeeper,
  ticket: Ticket,
  stop: AbortSignal,
): Promise<void> {
  const asked = performance.now()
  const work = await take(context, ticket)
  if (!work) return
  checkpoint('worker.after-claim')
  const lease = keeper.hold(ticket, asked)
  const ended = context.metrics.ticketSeconds.startTimer()
  try {
    const attempt = new Attempt(context, work, lease, stop)
    await workThrough(context, attempt)
    await commit(context, attempt, stop)
  } catch (error) {
    // Postgres went away, or the lease did: the lease runs out by itself, and a successor goes on from the ledger.
    context.log.warn({ err: error, ...ticket, jobId: work.jobId }, 'work was left to its lease')
  } finally {
    lease.release()
    ended()
  }
}

async function take(
  { catalog, config, metrics, workerId, log }: WorkerContext,
  ticket: Ticket,
): Promise<TakenWork | undefined> {
  try {
    const work = await catalog.leases.take(ticket, workerId, config.leaseMs)
    if (!work) metrics.fencedDrops.inc({ at: 'take' })
    return work
  } catch (error) {
    // The ticket is gone from the queue; the dispatcher finds that out, or the lease runs out.
    log.warn({ err: error, ...ticket }, 'a ticket could not be taken')
    return undefined
  }
}
