import { isScope, parseTenantId, type Scope, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { JWTPayload } from 'jose'
import type { Identity } from '../identity.ts'
import { INVALID_TOKEN } from '../refusals.ts'
import type { JwtRules } from './rules.ts'

/** Characters that the log shows of whom the issuer calls its subject. */
const SHOWN_OF_SUBJECT = 128

/** Whom the claims of a token that is believed name. Fails with `token_tenant_invalid`. */
export function identityIn(claims: JWTPayload, rules: JwtRules): Identity {
  return {
    tenant: tenantIn(claims, rules),
    scopes: scopesIn(claims, rules),
    runId: undefined,
    caller: `jwt ${claims.sub?.slice(0, SHOWN_OF_SUBJECT) ?? 'without a subject'}`,
    key: undefined,
  }
}

function tenantIn(claims: JWTPayload, { tenantClaim }: JwtRules): TenantId {
  const given = claimOf(claims, tenantClaim)
  try {
    if (typeof given === 'string') return parseTenantId(given)
  } catch (cause) {
    throw noTenant(tenantClaim, 'is no tenant id', cause)
  }
  throw noTenant(tenantClaim, given === undefined ? 'is missing' : 'is not a text')
}

/** Words that are no scopes of this server are for others, and give nothing. */
function scopesIn(claims: JWTPayload, { scopeClaim, scopePrefix }: JwtRules): Scope[] {
  const given = claimOf(claims, scopeClaim)
  const words: unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : []
  return words
    .filter((word) => typeof word === 'string')
    .filter((word) => word.startsWith(scopePrefix))
    .map((word) => word.slice(scopePrefix.length))
    .filter(isScope)
}

function claimOf(claims: JWTPayload, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

function noTenant(claim: string, what: string, cause?: unknown): LadingError {
  return new LadingError('token_tenant_invalid', `authorization: the token's claim "${claim}" ${what}`, {
    headers: INVALID_TOKEN,
    cause,
  })
}
