import type { ApiCatalog } from '@lading/catalog'
import { isRunToken, parseApiKey } from '@lading/core'
import type { ApiConfig } from '../config.ts'
import type { Identity } from './identity.ts'
import { IssuerKeys } from './jwt/issuer-keys.ts'
import { verifyJwt } from './jwt/verify-jwt.ts'
import { KeyRing } from './key-ring.ts'
import { unauthenticated } from './refusals.ts'
import { RunTokens } from './run-tokens.ts'

/** Knows whom a token stands for. */
export interface Identities {
  /**
   * Fails with `unauthenticated` or `token_tenant_invalid`; where nobody can know now, with `catalog_unavailable` or
   * `issuer_unavailable`.
   */
  of(token: string): Promise<Identity>
  /** Where tokens of an issuer are taken. */
  readonly issuer: Pick<IssuerKeys, 'check' | 'usable'> | undefined
  readonly runTokens: RunTokens
}

interface Needs {
  readonly config: Pick<ApiConfig, 'jwt' | 'tokenSecrets'>
  readonly catalog: Pick<ApiCatalog, 'keys' | 'tokenSecret'>
}

/** Keys and tokens of runs are always taken: there are none unless somebody made them. */
export function openIdentities({ config, catalog }: Needs): Identities {
  const { jwt, tokenSecrets: secrets } = config
  const ring = new KeyRing(catalog.keys)
  const runTokens = new RunTokens({ secrets, tokenSecret: catalog.tokenSecret, ring })
  const issuer = jwt && new IssuerKeys(jwt)
  return {
    issuer,
    runTokens,
    async of(token) {
      if (isRunToken(token)) return await runTokens.holderOf(token)
      if (token.startsWith('lading_')) return await holderOf(token, ring)
      if (jwt && issuer) return await verifyJwt(token, jwt, issuer)
      throw unauthenticated('is not a key of this server, which takes no other tokens', 'invalid_token')
    },
  }
}

async function holderOf(token: string, ring: KeyRing): Promise<Identity> {
  const key = parseApiKey(token)
  if (key === undefined) throw unauthenticated('the key is mistyped or cut short', 'invalid_token')
  const holder = await ring.holderOf(key)
  if (holder === undefined) throw unauthenticated('the key is unknown, revoked or expired', 'invalid_token')
  return {
    tenant: holder.tenantId,
    scopes: holder.scopes,
    runId: undefined,
    caller: `key ${holder.keyId}`,
    key: holder,
  }
}
