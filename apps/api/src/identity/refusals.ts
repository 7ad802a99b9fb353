import type { Scope } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** RFC 6750, 3: no error is named to a client that showed nothing. */
export function unauthenticated(why: string, error?: 'invalid_token', cause?: unknown): LadingError {
  const challenge = error === undefined ? 'Bearer realm="lading"' : `Bearer realm="lading", error="${error}"`
  return new LadingError('unauthenticated', `authorization: ${why}`, {
    headers: { 'www-authenticate': challenge },
    cause,
  })
}

/** RFC 6750, 3.1. */
export function denied(permission: Scope): LadingError {
  const challenge = `Bearer realm="lading", error="insufficient_scope", scope="${permission}"`
  return new LadingError('permission_denied', `authorization: this needs the scope "${permission}"`, {
    headers: { 'www-authenticate': challenge },
  })
}
