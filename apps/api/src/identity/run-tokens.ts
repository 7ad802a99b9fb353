import type { TokenSecret } from '@lading/catalog'
import { type RunGrant, readRunToken, signRunToken } from '@lading/core'
import type { Identity } from './identity.ts'
import type { KeyRing } from './key-ring.ts'
import { unauthenticated } from './refusals.ts'

/** Milliseconds that a secret is used without asking again: by then, a replaced one is no good anywhere. */
const REMEMBERED_MS = 10_000

interface Needs {
  /** What the settings say: the first signs, and all are believed. Empty: the catalog has one. */
  readonly secrets: readonly Buffer[]
  readonly tokenSecret: Pick<TokenSecret, 'get'>
  readonly ring: KeyRing
}

/** Makes tokens that are limited to one run, and knows whom they stand for. Both fail with `catalog_unavailable`. */
export class RunTokens {
  readonly #needs: Needs
  #remembered: { readonly secrets: readonly Buffer[]; readonly until: number } | undefined

  constructor(needs: Needs) {
    this.#needs = needs
  }

  async make(grant: RunGrant): Promise<string> {
    const [secret] = await this.#secrets()
    return signRunToken(grant, secret as Buffer)
  }

  /** Fails with `unauthenticated`. */
  async holderOf(token: string): Promise<Identity> {
    const grant = readRunToken(token, await this.#secrets())
    if (grant === undefined)
      throw unauthenticated('the token was not made here, or was changed', 'invalid_token')
    const { tenant, scopes, runId, keyId, expiresAt } = grant
    if (expiresAt.getTime() <= Date.now()) throw unauthenticated('the token has expired', 'invalid_token')
    if (keyId !== undefined && (await this.#needs.ring.holderOfId(keyId)) === undefined)
      throw unauthenticated('the key that made the token is revoked or expired', 'invalid_token')
    const caller = keyId === undefined ? 'run token' : `run token by key ${keyId}`
    return { tenant, scopes, runId, caller, key: undefined }
  }

  async #secrets(): Promise<readonly Buffer[]> {
    const { secrets, tokenSecret } = this.#needs
    if (secrets.length > 0) return secrets
    const now = performance.now()
    if (this.#remembered === undefined || this.#remembered.until <= now) {
      this.#remembered = { secrets: [await tokenSecret.get()], until: now + REMEMBERED_MS }
    }
    return this.#remembered.secrets
  }
}
