import type { ApiKeys } from '@lading/catalog'
import { parseApiKey } from '@lading/core'
import type { Identity } from './identity.ts'
import { KeyRing } from './key-ring.ts'
import { unauthenticated } from './refusals.ts'

/** Knows whom a token stands for. */
export interface Identities {
  /** Fails with `unauthenticated`, or `catalog_unavailable` where nobody can know now. */
  of(token: string): Promise<Identity>
}

export function openIdentities({ keys }: { readonly keys: Pick<ApiKeys, 'use'> }): Identities {
  const ring = new KeyRing(keys)
  return {
    async of(token) {
      const key = parseApiKey(token)
      if (key === undefined) throw unauthenticated('the key is mistyped or cut short', 'invalid_token')
      const holder = await ring.holderOf(key)
      if (holder === undefined)
        throw unauthenticated('the key is unknown, revoked or expired', 'invalid_token')
      return { tenant: holder.tenantId, scopes: holder.scopes }
    },
  }
}
