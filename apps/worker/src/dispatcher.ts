import { checkpoint, FairShare, type Ticket } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import { UnseenSpools } from './unseen-spools.ts'

/**
 * Claims ready work fairly over tenants, leases it, and hands its tickets to the queue: never more than the workers
 * of a route can take, so that the backlog stays in Postgres, where its order can still change. One process does this
 * at a time; that it is one matters to fairness only.
 */
export class Dispatcher {
  readonly #context: WorkerContext
  readonly #unseen: UnseenSpools
  readonly #shares = new Map<string, FairShare>()
  #lastCheck = 0

  constructor(context: WorkerContext) {
    this.#context = context
    this.#unseen = new UnseenSpools(context)
  }

  /** One round. Whether anything was dispatched. */
  async round(): Promise<boolean> {
    const { catalog, config } = this.#context
    const withinMs = Math.max(config.leaseMs, 5_000)
    const [slots, routes] = await Promise.all([catalog.workers.slots(withinMs), catalog.backlog.routes()])
    let dispatched = false
    for (const route of routes) {
      const available = slots.get(route) ?? 0
      if (available > 0 && (await this.#dispatch(route, available))) dispatched = true
    }
    if (performance.now() - this.#lastCheck > config.lostTicketMs / 2) {
      await this.#reclaim([...slots.keys()])
      await this.#unseen.round(routes, new Set(slots.keys()))
      this.#lastCheck = performance.now()
    }
    return dispatched
  }

  async #dispatch(route: string, slots: number): Promise<boolean> {
    const { catalog, config, metrics } = this.#context
    const window = Math.ceil(slots * WINDOW_PER_SLOT)
    const perTenant = Math.max(1, Math.floor((slots * config.tenantPercent) / 100))
    const [held, candidates] = await Promise.all([
      catalog.backlog.held(route),
      catalog.backlog.candidates(route, perTenant),
    ])
    const chosen = this.#share(route).choose(candidates, held, { window, perTenant })
    const leased = await this.#lease(chosen.map(({ workId }) => workId))
    if (leased.length > 0) checkpoint('dispatch.after-lease')
    let queued = 0
    for (let from = 0; from < leased.length; from += TICKETS_PER_CALL) {
      const tickets = leased.slice(from, from + TICKETS_PER_CALL)
      if (await this.#queue(route, tickets)) queued += tickets.length
    }
    metrics.dispatched.inc(queued)
    return queued > 0
  }

  /** In the order given; without those that somebody else has leased, or that are not to be delivered any more. */
  async #lease(workIds: readonly string[]): Promise<Ticket[]> {
    if (workIds.length === 0) return []
    const { catalog, config } = this.#context
    const leased = await catalog.backlog.lease(workIds, config.leaseMs)
    const byWork = new Map(leased.map((ticket) => [ticket.workId, ticket]))
    return workIds.flatMap((workId) => byWork.get(workId) ?? [])
  }

  async #queue(route: string, tickets: readonly Ticket[]): Promise<boolean> {
    const { queue, catalog, log } = this.#context
    try {
      await queue.add(route, tickets)
      return true
    } catch (error) {
      if (!(error instanceof LadingError) || error.code !== 'queue_unavailable') throw error
      log.warn({ err: error, route }, 'tickets could not be queued; their work is ready again')
      await catalog.backlog.unlease(tickets)
      return false
    }
  }

  /** Leases that ran out, and tickets that the queue has lost (a flush, an eviction), are ready again. */
  async #reclaim(routes: readonly string[]): Promise<void> {
    const { catalog, queue, config, metrics, log } = this.#context
    const expired = await catalog.backlog.expire()
    metrics.leaseExpiries.inc(expired)
    for (const route of routes) {
      const untaken = await catalog.backlog.untaken(route, config.lostTicketMs)
      if (untaken.length === 0) continue
      try {
        const lost = await queue.missing(route, untaken)
        if (lost.length > 0) metrics.lostTickets.inc(await catalog.backlog.unlease(lost))
      } catch (error) {
        if (!(error instanceof LadingError) || error.code !== 'queue_unavailable') throw error
        log.warn({ err: error, route }, 'the queue cannot be asked for lost tickets')
      }
    }
  }

  #share(route: string): FairShare {
    let share = this.#shares.get(route)
    if (!share) {
      share = new FairShare()
      this.#shares.set(route, share)
    }
    return share
  }
}

/** As many as the queue takes in one call. */
const TICKETS_PER_CALL = 500
/** A little more than the slots, so that a slot that comes free finds a ticket waiting. */
const WINDOW_PER_SLOT = 1.25
