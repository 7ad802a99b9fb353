import { allows, parseApiKey, parseTenantId, type Scope, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Request } from 'express'
import type { ApiContext } from '../context.ts'
import { tenantOf } from '../tenant.ts'

/**
 * The tenant that a request may speak for, decided by its head alone, before any of its body is read. Fails with
 * `unauthenticated`, `permission_denied`, `tenant_mismatch`; without authentication as `tenantOf` does.
 */
export async function authorize(
  request: Request,
  permission: Scope,
  { config, keyRing }: Pick<ApiContext, 'config' | 'keyRing'>,
): Promise<TenantId> {
  if (config.auth === 'none') return tenantOf(request, config)
  const holder = await keyRing.holderOf(keyOf(request))
  if (holder === undefined) throw unauthenticated('the key is unknown, revoked or expired', 'invalid_token')
  if (!allows(holder.scopes, permission)) throw denied(permission)
  const named = request.headers['x-tenant-id']
  if (typeof named === 'string' && parseTenantId(named) !== holder.tenantId) {
    throw new LadingError(
      'tenant_mismatch',
      'X-Tenant-ID: is not the tenant of the key; leave it out, or use a key of that tenant',
    )
  }
  return holder.tenantId
}

function keyOf(request: Request) {
  const given = request.headers.authorization
  if (given === undefined) throw unauthenticated('send "Authorization: Bearer" and a key')
  const [, token] = /^Bearer +(\S+) *$/i.exec(given) ?? []
  const key = token === undefined ? undefined : parseApiKey(token)
  if (key === undefined) {
    throw unauthenticated('is not "Bearer" and a key, or the key is mistyped or cut short', 'invalid_token')
  }
  return key
}

/** RFC 6750, 3: no error is named to a client that showed nothing. */
function unauthenticated(why: string, error?: string): LadingError {
  const challenge = error === undefined ? 'Bearer realm="lading"' : `Bearer realm="lading", error="${error}"`
  return new LadingError('unauthenticated', `authorization: ${why}`, {
    headers: { 'www-authenticate': challenge },
  })
}

function denied(permission: Scope): LadingError {
  const challenge = `Bearer realm="lading", error="insufficient_scope", scope="${permission}"`
  return new LadingError(
    'permission_denied',
    `authorization: this needs a key with the scope "${permission}"`,
    {
      headers: { 'www-authenticate': challenge },
    },
  )
}
