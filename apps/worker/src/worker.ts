import type { Catalog } from '@lading/catalog'
import { COPIES_ROUTE, newId, type ObjectStore, type Spool, type TicketQueue } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { WorkerConfig } from './config.ts'
import type { WorkerContext } from './context.ts'
import { deliverTicket } from './deliver-ticket.ts'
import { lead } from './leader.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { MemoryBudget } from './memory-budget.ts'
import { workerMetrics } from './metrics.ts'
import { reconcileSpool } from './pack-janitor.ts'
import { pause } from './pause.ts'
import { Turns } from './turns.ts'

export interface WorkerDeps {
  readonly catalog: Pick<Catalog, 'delivery' | 'hints'>
  readonly queue: TicketQueue
  readonly store: ObjectStore
  /** The spools that this process can see. Each gives the worker a queue to serve. */
  readonly spools: readonly Spool[]
  readonly log: Logger
  readonly registry: Registry
}

export interface WorkerService {
  readonly workerId: string
  /**
   * Takes no more work, hands over what is under way (parts that were sent are kept, no attempt is lost), and waits for
   * that. What has not ended after `graceMs` is left to its lease.
   */
  stop(graceMs: number): Promise<void>
}

/** Starts to deliver. Needs none of its dependencies to be up: it goes on when they are. */
export function startWorker(deps: WorkerDeps, config: WorkerConfig): WorkerService {
  const context: WorkerContext = {
    workerId: newId(),
    catalog: deps.catalog.delivery,
    hints: deps.catalog.hints,
    queue: deps.queue,
    store: deps.store,
    spools: new Map(deps.spools.map((spool) => [spool.id, spool])),
    memory: new MemoryBudget(config.memoryBytes),
    turns: new Turns(),
    config,
    log: deps.log,
    metrics: workerMetrics(deps.registry),
  }
  const keeper = new LeaseKeeper(context)
  const stopping = new AbortController()
  const duties = [lead(context, stopping.signal), tidy(context, stopping.signal)]
  const announcing = announce(context, stopping.signal)
  const consumers = routesOf(context).map((route) =>
    context.queue.consume(route, {
      slots: config.slots,
      handler: (ticket, signal) => deliverTicket(context, keeper, ticket, signal),
    }),
  )
  return {
    workerId: context.workerId,
    async stop(graceMs) {
      const reason = new LadingError('shutting_down', 'the worker is shutting down')
      stopping.abort(reason)
      const closed = consumers.map((consumer) => consumer.close(reason))
      const signedOff = announcing.then(() => signOff(context))
      await within(graceMs, Promise.all([signedOff, ...duties, ...closed]))
      keeper.close()
    },
  }
}

async function within(ms: number, ended: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  await Promise.race([ended, pause(ms, over.signal)])
  over.abort()
}

/** At once, so that the leader sends no more tickets than the other workers can take. */
async function signOff({ catalog, log, workerId }: WorkerContext): Promise<void> {
  await catalog.workers.gone(workerId).catch((error: unknown) => {
    log.warn({ err: error }, 'the worker could not sign off; it is forgotten in a moment')
  })
}

/** Of each spool, and that of the work which needs none. A worker without a spool delivers nothing. */
function routesOf({ spools }: WorkerContext): string[] {
  return spools.size === 0 ? [] : [...spools.keys(), COPIES_ROUTE]
}

/** Tells the leader that this worker is there. */
async function announce(context: WorkerContext, signal: AbortSignal): Promise<void> {
  const { catalog, config, log, workerId } = context
  while (!signal.aborted) {
    try {
      await catalog.workers.seen({ workerId, routes: routesOf(context), slots: config.slots })
    } catch (error) {
      log.warn({ err: error }, 'the worker could not announce itself')
    }
    await pause(Math.min(config.leaseMs / 3, 2_000), signal)
  }
}

async function tidy(context: WorkerContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const spool of context.spools.values()) {
      await reconcileSpool(context, spool, signal).catch((error: unknown) => {
        context.log.warn({ err: error, spool: spool.id }, 'a spool could not be reconciled')
      })
    }
    await pause(context.config.reconcileMs, signal)
  }
}
