import { allows, parseTenantId, type Scope, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Request } from 'express'
import type { ApiContext } from '../context.ts'
import { tenantOf } from '../tenant.ts'
import { bearerOf } from './bearer.ts'
import type { Identity } from './identity.ts'
import { denied } from './refusals.ts'

/**
 * Whom a request speaks for, decided by its head alone, before any of its body is read. Fails as
 * `Identities.of`, and with `permission_denied`, `tenant_mismatch`; without authentication as `tenantOf` does.
 */
export async function authorize(
  request: Request,
  permission: Scope,
  { config, identities }: Pick<ApiContext, 'config' | 'identities'>,
): Promise<Identity> {
  if (config.auth === 'none') return anybody(tenantOf(request, config))
  const identity = await identities.of(bearerOf(request))
  if (!allows(identity.scopes, permission)) throw denied(permission)
  const named = request.headers['x-tenant-id']
  if (typeof named === 'string' && parseTenantId(named) !== identity.tenant) {
    throw new LadingError(
      'tenant_mismatch',
      'X-Tenant-ID: is not the tenant of the key or token; leave it out, or use one of that tenant',
    )
  }
  return identity
}

function anybody(tenant: TenantId): Identity {
  return { tenant, scopes: ['admin'], runId: undefined, caller: undefined, key: undefined }
}
