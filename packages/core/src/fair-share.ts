export interface Candidate {
  readonly workId: string
  readonly tenantId: string
  readonly bytes: number
}

export interface FairShareLimits {
  /** Tickets that may be out at once on a route. */
  readonly window: number
  /** Of these, the most that one tenant may hold. Below the window, so that a slot is free when another comes. */
  readonly perTenant: number
}

/**
 * Which work goes out next: start-time fair queueing over tenants, by bytes (Goyal, Vin and Cheng, SIGCOMM 1996). Each
 * tenant has a virtual time that grows with what it was given; the tenant furthest behind is served first. A tenant that
 * comes back after a pause starts level with the others, or where it was if that is ahead of them: idleness earns no
 * credit.
 */
export class FairShare {
  readonly #served = new Map<string, number>()
  /** Tenants that had work, waiting or out, when it was last chosen. */
  #active = new Set<string>()

  /**
   * Chooses from the candidates, of which each tenant's come in its own order, as many as the window has room for.
   * `held` says how many tickets each tenant has out already.
   */
  choose(
    candidates: readonly Candidate[],
    held: ReadonlyMap<string, number>,
    limits: FairShareLimits,
  ): Candidate[] {
    const queues = Map.groupBy(candidates, (candidate) => candidate.tenantId)
    this.#levelWithOthers(queues.keys(), held)
    const out = new Map(held)
    let room = limits.window - sum(held.values())
    const chosen: Candidate[] = []
    for (; room > 0; room--) {
      const tenant = this.#furthestBehind(queues, out, limits.perTenant)
      if (tenant === undefined) break
      const next = queues.get(tenant)?.shift()
      if (next === undefined) break
      chosen.push(next)
      out.set(tenant, (out.get(tenant) ?? 0) + 1)
      this.#served.set(tenant, (this.#served.get(tenant) ?? 0) + COST_OF_A_TICKET + next.bytes)
    }
    return chosen
  }

  #levelWithOthers(waiting: Iterable<string>, held: ReadonlyMap<string, number>): void {
    const active = new Set([...waiting, ...held.keys()])
    const level = this.#levelOf(active)
    for (const [tenant, served] of this.#served)
      if (!active.has(tenant) && served <= level) this.#served.delete(tenant)
    for (const tenant of active) {
      const ahead = Math.max(0, this.#of(tenant) - level)
      this.#served.set(tenant, level + (held.has(tenant) ? ahead : Math.min(ahead, MOST_AHEAD)))
    }
    this.#active = active
  }

  /** Where that tenant is which is furthest behind of those that had work all the time; else, where the last one was. */
  #levelOf(active: ReadonlySet<string>): number {
    let [lowest, highest] = [Number.POSITIVE_INFINITY, 0]
    for (const [tenant, served] of this.#served) {
      highest = Math.max(highest, served)
      if (active.has(tenant) && this.#active.has(tenant)) lowest = Math.min(lowest, served)
    }
    return Number.isFinite(lowest) ? lowest : highest
  }

  #furthestBehind(
    queues: ReadonlyMap<string, readonly Candidate[]>,
    out: ReadonlyMap<string, number>,
    perTenant: number,
  ): string | undefined {
    let best: string | undefined
    for (const [tenant, queue] of queues) {
      if (queue.length === 0 || (out.get(tenant) ?? 0) >= perTenant) continue
      if (best === undefined || this.#of(tenant) < this.#of(best)) best = tenant
    }
    return best
  }

  #of(tenant: string): number {
    return this.#served.get(tenant) ?? 0
  }
}

/** Bytes that a ticket costs besides its own: an empty file takes a slot too. */
const COST_OF_A_TICKET = 256 * 1024

/**
 * How far ahead of the others a tenant may be that has nothing out, in bytes. It keeps what it was given for as long as
 * that is under way; a terabyte that is tried again and again does not shut it out for the time of many terabytes.
 */
const MOST_AHEAD = 256 * 1024 * 1024

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
