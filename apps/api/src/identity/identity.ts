import type { KeyRow } from '@lading/catalog'
import type { Scope, TenantId } from '@lading/core'

/** Whom a request speaks for, and what it may do. */
export interface Identity {
  readonly tenant: TenantId
  readonly scopes: readonly Scope[]
  /** The one run that it is limited to. */
  readonly runId: string | undefined
  /** What the log calls it: `key ID`, `run token by key ID`, or `jwt SUBJECT`. Undefined: nobody is authenticated. */
  readonly caller: string | undefined
  /** The key that was shown. */
  readonly key: Pick<KeyRow, 'keyId' | 'expiresAt'> | undefined
}
