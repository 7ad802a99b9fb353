import { LadingError } from '@lading/protocol'
import { errors, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose'
import { discoverKeys, type KeySet } from './discover-keys.ts'
import type { JwtRules } from './rules.ts'

type Options = Pick<JwtRules, 'issuer' | 'keys'>

interface Attempt {
  readonly result: KeySet | LadingError
  /** When it ended, by `performance.now()`. */
  readonly at: number
}

/**
 * The keys of the issuer, fetched when they are first needed and again from time to time. A token that names a key which
 * is not there has them fetched at once, as after a rotation; but not more often than `cooldownMs` allows, whatever tokens
 * strangers make up. While the issuer cannot be reached, what was fetched goes on being used for `usedMs`.
 */
export class IssuerKeys {
  readonly #options: Options
  #held: { readonly keys: KeySet; readonly at: number } | undefined
  #last: Attempt | undefined
  #fetching: Promise<KeySet> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** Whether tokens can be judged, should the issuer be out of reach. */
  get usable(): boolean {
    return this.#age() < this.#options.keys.usedMs
  }

  /** The key of a token. Fails with `JWKSNoMatchingKey`, or `issuer_unavailable` where the issuer might have it. */
  async keyFor(header: JWSHeaderParameters, token: FlattenedJWSInput) {
    const keys = this.#held !== undefined && this.usable ? this.#held.keys : await this.#fetch()
    // These go on being used meanwhile; should it fail, `check` tells.
    if (this.#age() > this.#options.keys.freshMs) void this.#fetch().catch(() => undefined)
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const newer = await this.#fetch()
      return await newer(header, token)
    }
  }

  /** Looks whether the issuer can be reached, when that is not known. Fails with `issuer_unavailable`. */
  async check(): Promise<void> {
    const failed = this.#last?.result instanceof LadingError
    if (failed || this.#age() > this.#options.keys.freshMs) await this.#fetch()
  }

  /** One attempt at a time; and soon after one, what that gave. */
  async #fetch(): Promise<KeySet> {
    if (this.#fetching === undefined && this.#last !== undefined && this.#isRecent(this.#last)) {
      if (this.#last.result instanceof LadingError) throw this.#last.result
      return this.#last.result
    }
    this.#fetching ??= this.#attempt().finally(() => {
      this.#fetching = undefined
    })
    return await this.#fetching
  }

  async #attempt(): Promise<KeySet> {
    const { issuer, keys: times } = this.#options
    try {
      const keys = await discoverKeys(issuer, times.timeoutMs)
      this.#held = { keys, at: performance.now() }
      this.#last = { result: keys, at: performance.now() }
      return keys
    } catch (cause) {
      const failure = unavailable(issuer, cause, times.retryMs)
      this.#last = { result: failure, at: performance.now() }
      throw failure
    }
  }

  #isRecent({ at, result }: Attempt): boolean {
    const { cooldownMs, retryMs } = this.#options.keys
    return performance.now() - at < (result instanceof LadingError ? retryMs : cooldownMs)
  }

  #age(): number {
    return this.#held === undefined ? Number.POSITIVE_INFINITY : performance.now() - this.#held.at
  }
}

function unavailable(issuer: string, cause: unknown, retryMs: number): LadingError {
  return new LadingError('issuer_unavailable', `the keys of ${issuer} cannot be had: ${sentenceOf(cause)}`, {
    cause,
    retryAfter: Math.max(1, Math.ceil(retryMs / 1000)),
  })
}

/** `fetch` says that it failed, and its cause why. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' && error instanceof TypeError
    ? error.cause.message
    : error.message
}
