import type { ApiKeys, KeyRow } from '@lading/catalog'
import { type ApiKey, hashOfApiKey } from '@lading/core'

/** Milliseconds that a key is believed without asking again: by then, a revoked one is refused everywhere. */
const BELIEVED_MS = 10_000
/** About 1 KiB each. */
const MOST_KEYS = 10_000

interface Believed {
  readonly row: KeyRow
  /** Milliseconds of `performance.now()`. */
  readonly until: number
}

/** Keys that were found valid a moment ago, so that a request costs no query. Keys themselves are not held, only hashes. */
export class KeyRing {
  readonly #keys: Pick<ApiKeys, 'use'>
  readonly #believed = new Map<string, Believed>()

  constructor(keys: Pick<ApiKeys, 'use'>) {
    this.#keys = keys
  }

  /** Undefined: unknown, revoked or expired. Fails with `catalog_unavailable`. */
  async holderOf(key: ApiKey): Promise<KeyRow | undefined> {
    const hash = hashOfApiKey(key).toString('base64')
    const now = performance.now()
    const known = this.#believed.get(hash)
    if (known !== undefined && known.until > now) return hasExpired(known.row) ? undefined : known.row
    this.#believed.delete(hash)
    const row = await this.#keys.use(key)
    if (row !== undefined) this.#believe(hash, { row, until: now + BELIEVED_MS })
    return row
  }

  #believe(hash: string, believed: Believed): void {
    const [oldest] = this.#believed.keys()
    if (this.#believed.size >= MOST_KEYS && oldest !== undefined) this.#believed.delete(oldest)
    this.#believed.set(hash, believed)
  }
}

function hasExpired({ expiresAt }: KeyRow): boolean {
  return expiresAt !== null && expiresAt.getTime() <= Date.now()
}
