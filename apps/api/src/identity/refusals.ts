import type { Scope } from '@lading/core'
import { LadingError } from '@lading/protocol'

const BEARER = 'Bearer realm="lading"'

/** Of the answer to a token that is no good (RFC 6750, 3.1). */
export const INVALID_TOKEN = { 'www-authenticate': `${BEARER}, error="invalid_token"` } as const

/** RFC 6750, 3: no error is named to a client that showed nothing. */
export function unauthenticated(why: string, error?: 'invalid_token', cause?: unknown): LadingError {
  return new LadingError('unauthenticated', `authorization: ${why}`, {
    headers: error === undefined ? { 'www-authenticate': BEARER } : INVALID_TOKEN,
    cause,
  })
}

/** RFC 6750, 3.1. */
export function denied(permission: Scope): LadingError {
  return new LadingError('permission_denied', `authorization: this needs the scope "${permission}"`, {
    headers: { 'www-authenticate': `${BEARER}, error="insufficient_scope", scope="${permission}"` },
  })
}
