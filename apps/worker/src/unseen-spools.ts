import type { WorkerContext } from './context.ts'

/** Work that is given up in one round. */
const BATCH = 100
/** Leases for which no worker may have announced the spool: one that only starts anew is back before. */
const PATIENCE_LEASES = 10

/**
 * Ends work that nobody can deliver, because no worker sees the spool in which its bytes are: when it is as old as
 * attempts may be, its files fail, with a reason by which a person can act. The bytes are not touched: whoever has the
 * spool keeps them as those of any failed file, and the job can be retried when a worker sees them again.
 */
export class UnseenSpools {
  readonly #context: WorkerContext
  readonly #unseenSince = new Map<string, number>()

  constructor(context: WorkerContext) {
    this.#context = context
  }

  /** `ready` are the routes that have work, `seen` those that a worker serves. */
  async round(ready: readonly string[], seen: ReadonlySet<string>): Promise<void> {
    const now = performance.now()
    for (const route of this.#unseenSince.keys())
      if (seen.has(route) || !ready.includes(route)) this.#unseenSince.delete(route)
    for (const route of ready) {
      if (seen.has(route)) continue
      const since = this.#unseenSince.get(route) ?? now
      this.#unseenSince.set(route, since)
      if (now - since >= this.#context.config.leaseMs * PATIENCE_LEASES) await this.#giveUp(route)
    }
  }

  async #giveUp(route: string): Promise<void> {
    const { catalog, config, workerId, log } = this.#context
    const overdue = await catalog.backlog.overdue(route, config.retry.maxAgeMs, BATCH)
    for (const ticket of await catalog.backlog.lease(overdue, config.leaseMs)) {
      const work = await catalog.leases.take(ticket, workerId, config.leaseMs)
      if (work === undefined) continue
      const detail = `no worker has seen the spool ${route}, in which its bytes are, for as long as deliveries are tried; start a worker on its directory, then retry the job`
      const failed = work.files.map(({ fileId }) => {
        return { fileId, state: 'failed', code: 'spool_unseen', detail } as const
      })
      await catalog.delivery.settle(ticket, failed)
      log.error(
        { jobId: work.jobId, route, files: failed.length },
        'work was given up: no worker sees its spool',
      )
    }
  }
}
