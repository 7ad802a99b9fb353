import { parseTenantId, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Request } from 'express'
import type { ApiConfig } from './config.ts'

/** The tenant that a request speaks for. Fails with `tenant_invalid`, `tenant_required`. */
export function tenantOf(request: Request, config: Pick<ApiConfig, 'defaultTenant'>): TenantId {
  const given = request.headers['x-tenant-id']
  if (typeof given === 'string') return parseTenantId(given)
  if (config.defaultTenant !== undefined) return config.defaultTenant
  throw new LadingError(
    'tenant_required',
    'X-Tenant-ID: this server has no default tenant; send this header field',
  )
}
