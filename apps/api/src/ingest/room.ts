import {
  type Asked,
  checkSpooled,
  checkStored,
  limitsUsage,
  type Quota,
  type Quotas,
  type Usage,
} from '@lading/catalog'
import type { TenantId } from '@lading/core'

/** What an upload may still bring, as of now; undefined: there is no limit. Accepting looks again, at the real bytes. */
export async function roomOf(quotas: Quotas, tenant: TenantId): Promise<Room | undefined> {
  const quota = await quotas.of(tenant)
  return limitsUsage(quota) ? new Room(quota, await quotas.usage(tenant)) : undefined
}

export class Room {
  readonly #quota: Quota
  readonly #usage: Usage
  #taken = 0

  constructor(quota: Quota, usage: Usage) {
    this.#quota = quota
    this.#usage = usage
  }

  /** Before the first byte. `body`: bytes that are to be spooled. Fails with `quota_exceeded`, `backlog_full`. */
  check(asked: Asked, body: number): void {
    checkStored(this.#usage, this.#quota, asked)
    checkSpooled(this.#usage, this.#quota, body)
  }

  /** Bytes of files that came: ends an upload as soon as it has brought too many. Fails as `check`. */
  take(bytes: number): void {
    this.#taken += bytes
    this.check({ objects: 1, bytes: this.#taken }, this.#taken)
  }
}
