import type { IncomingMessage } from 'node:http'
import { unauthenticated } from './refusals.ts'

/**
 * What the request shows (RFC 6750, 2.1): the token of its `Authorization` field alone, as addresses and forms end in
 * logs. Fails with `unauthenticated`.
 */
export function bearerOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers.authorization
  if (given === undefined) throw unauthenticated('send "Authorization: Bearer" and a key or token')
  const [, token] = /^Bearer +(\S+) *$/i.exec(given) ?? []
  if (token === undefined) throw unauthenticated('is not "Bearer" and a key or token', 'invalid_token')
  return token
}
