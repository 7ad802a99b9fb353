import type { Scope, TenantId } from '@lading/core'

/** Whom a request speaks for, and what it may do. */
export interface Identity {
  readonly tenant: TenantId
  readonly scopes: readonly Scope[]
}
