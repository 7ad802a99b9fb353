import type { TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Gauge } from 'prom-client'

/** Counts the uploads that this process is receiving, and keeps each tenant to its share of them. */
export class UploadsUnderWay {
  readonly #most: number
  readonly #gauge: Pick<Gauge, 'inc' | 'dec'>
  readonly #byTenant = new Map<TenantId, number>()

  /** `most`: of one tenant at once. */
  constructor(most: number, gauge: Pick<Gauge, 'inc' | 'dec'>) {
    this.#most = most
    this.#gauge = gauge
  }

  /** One more, until it is disposed of; `most` where it is not that of all. Fails with `too_many_at_once`. */
  begin(tenant: TenantId, most = this.#most): Disposable {
    const before = this.#byTenant.get(tenant) ?? 0
    if (before >= most) {
      throw new LadingError(
        'too_many_at_once',
        `X-Tenant-ID: this server is receiving ${before} uploads of the tenant, which is the limit; send it again when one of them is done`,
        { retryAfter: 1 },
      )
    }
    this.#byTenant.set(tenant, before + 1)
    this.#gauge.inc()
    return { [Symbol.dispose]: () => this.#end(tenant) }
  }

  #end(tenant: TenantId): void {
    this.#gauge.dec()
    const left = (this.#byTenant.get(tenant) ?? 1) - 1
    if (left > 0) this.#byTenant.set(tenant, left)
    else this.#byTenant.delete(tenant)
  }
}
