import type { Quotas, RateBucket } from '@lading/catalog'
import type { TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Response } from 'express'
import { secondsUntilSome, tellRate } from './rate-headers.ts'

/** Milliseconds that tokens which this process has taken may be used: what it does not use is lost. */
const KEPT_MS = 1000
const MOST_TENANTS = 10_000

/**
 * Keeps tenants to their requests a second, over all processes. Each takes a tenth of a second's tokens at once from what
 * they share, so that few requests cost a query; and where none are left it asks again only when some may be back.
 */
export class RequestRates {
  readonly #quotas: Quotas
  readonly #shares = new Map<TenantId, Share>()

  constructor(quotas: Quotas) {
    this.#quotas = quotas
  }

  /** Fails with `too_many_requests`. */
  async admit(tenant: TenantId, response: Response): Promise<void> {
    const { requestsPerSecond: rate } = await this.#quotas.of(tenant)
    if (rate === undefined) return
    await this.#shareOf(tenant, rate).take(response)
  }

  #shareOf(tenant: TenantId, rate: number): Share {
    const known = this.#shares.get(tenant)
    if (known?.bucket.rate === rate) return known
    const [oldest] = this.#shares.keys()
    if (this.#shares.size >= MOST_TENANTS && oldest !== undefined) this.#shares.delete(oldest)
    const share = new Share(this.#quotas, tenant, rate)
    this.#shares.set(tenant, share)
    return share
  }
}

/** What this process has of a tenant's requests. */
class Share {
  readonly bucket: RateBucket
  readonly #quotas: Quotas
  readonly #tenant: TenantId
  #tokens = 0
  #until = 0
  /** Left for all processes, as of the last look; and until when there is nothing. */
  #left = 0
  #emptyUntil = 0
  #asking: Promise<void> | undefined

  constructor(quotas: Quotas, tenant: TenantId, rate: number) {
    this.#quotas = quotas
    this.#tenant = tenant
    this.bucket = { kind: 'requests', rate, burst: rate }
  }

  async take(response: Response): Promise<void> {
    while (!this.#takeOne()) {
      if (performance.now() < this.#emptyUntil) {
        tellRate(response, this.bucket, 0)
        throw this.#tooMany()
      }
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined
      })
      await this.#asking
    }
    tellRate(response, this.bucket, this.#tokens + Math.max(0, this.#left))
  }

  #takeOne(): boolean {
    if (this.#tokens < 1 || performance.now() >= this.#until) return false
    this.#tokens--
    return true
  }

  async #ask(): Promise<void> {
    const tokens = Math.min(100, Math.max(1, Math.floor(this.bucket.rate / 10)))
    const { granted, left } = await this.#quotas.take(this.#tenant, this.bucket, tokens)
    this.#left = left
    this.#tokens = granted ? tokens : 0
    this.#until = performance.now() + KEPT_MS
    if (!granted) this.#emptyUntil = performance.now() + Math.max(10, (1000 * -left) / this.bucket.rate)
  }

  #tooMany(): LadingError {
    const { rate } = this.bucket
    return new LadingError(
      'too_many_requests',
      `X-Tenant-ID: the tenant may send ${rate} requests a second`,
      {
        retryAfter: secondsUntilSome(this.bucket, this.#left),
      },
    )
  }
}
