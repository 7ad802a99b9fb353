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

/** Keys that were found valid a moment ago, so that a request costs no query. Keys themselves are not held, only hashes and ids. */
export class KeyRing {
  readonly #keys: Pick<ApiKeys, 'use' | 'getValid'>
  readonly #believed = new Map<string, Believed>()

  constructor(keys: Pick<ApiKeys, 'use' | 'getValid'>) {
    this.#keys = keys
  }

  /** Undefined: unknown, revoked or expired. Fails with `catalog_unavailable`. */
  holderOf(key: ApiKey): Promise<KeyRow | undefined> {
    return this.#believedOr(hashOfApiKey(key).toString('base64'), () => this.#keys.use(key))
  }

  /** Of a key that was not shown itself. Else as `holderOf`. */
  holderOfId(keyId: string): Promise<KeyRow | undefined> {
    return this.#believedOr(keyId, () => this.#keys.getValid(keyId))
  }

  async #believedOr(name: string, ask: () => Promise<KeyRow | undefined>): Promise<KeyRow | undefined> {
    const now = performance.now()
    const known = this.#believed.get(name)
    if (known !== undefined && known.until > now) return hasExpired(known.row) ? undefined : known.row
    this.#believed.delete(name)
    const row = await ask()
    if (row !== undefined) this.#believe(name, { row, until: now + BELIEVED_MS })
    return row
  }

  #believe(name: string, believed: Believed): void {
    const [oldest] = this.#believed.keys()
    if (this.#believed.size >= MOST_KEYS && oldest !== undefined) this.#believed.delete(oldest)
    this.#believed.set(name, believed)
  }
}

function hasExpired({ expiresAt }: KeyRow): boolean {
  return expiresAt !== null && expiresAt.getTime() <= Date.now()
}
