import type { TenantId } from '@lading/core'
import type { Database } from './database.ts'
import { type Quota, quotaSetFor } from './quotas.ts'

/** Milliseconds that a quota is known without asking again. */
const KNOWN_MS = 10_000
const MOST_TENANTS = 10_000

/** What tenants may have, as of a moment ago, so that a request costs no query. */
export class QuotaBook {
  readonly #db: Database
  readonly #defaults: Quota
  readonly #known = new Map<TenantId, { readonly quota: Promise<Quota>; readonly until: number }>()

  constructor(db: Database, defaults: Quota) {
    this.#db = db
    this.#defaults = defaults
  }

  /** Fails with `catalog_unavailable`. */
  of(tenant: TenantId): Promise<Quota> {
    const now = performance.now()
    const known = this.#known.get(tenant)
    if (known !== undefined && known.until > now) return known.quota
    this.#known.delete(tenant)
    const quota = this.#read(tenant)
    this.#remember(tenant, quota, now + KNOWN_MS)
    return quota
  }

  async #read(tenant: TenantId): Promise<Quota> {
    const set = await quotaSetFor(this.#db, tenant)
    if (set === undefined) return this.#defaults
    const given = Object.entries(set).filter(([, value]) => value !== undefined)
    return { ...this.#defaults, ...Object.fromEntries(given) }
  }

  #remember(tenant: TenantId, quota: Promise<Quota>, until: number): void {
    const [oldest] = this.#known.keys()
    if (this.#known.size >= MOST_TENANTS && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(tenant, { quota, until })
    quota.catch(() => this.#known.delete(tenant))
  }
}
