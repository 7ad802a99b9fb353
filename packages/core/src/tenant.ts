import { LadingError } from '@lading/protocol'
import { quoted } from './quoted.ts'

/** Who owns runs and artifacts. Compared by its exact characters: `Acme` and `acme` are two tenants. */
export type TenantId = string & { readonly __brand: 'TenantId' }

/** 1 to 64 characters, safe in a key, a file name, a metric's label and a log line. */
const TENANT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Takes the value of `X-Tenant-ID` or of a token's claim. Fails with `tenant_invalid`. */
export function parseTenantId(raw: string): TenantId {
  if (TENANT_ID.test(raw)) return raw as TenantId
  throw new LadingError(
    'tenant_invalid',
    `tenant id: ${quoted(raw)} is not 1 to 64 letters, digits, ".", "_" or "-" that begin with a letter or digit`,
  )
}
