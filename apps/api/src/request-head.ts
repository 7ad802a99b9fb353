import type { IncomingMessage } from 'node:http'
import { newId } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** Fields that change what a request means, so that one given twice cannot be read in one way only. */
const SINGLE = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'content-range',
  'authorization',
  'x-tenant-id',
  'idempotency-key',
  'host',
  'expect',
  'range',
  'if-range',
])

/**
 * Refuses what Node's parser lets through but no two readers would understand alike: a field given twice of which
 * there may be one (Node keeps the first), no Host in HTTP/1.1 (RFC 9112, 3.2), another Expect than 100-continue.
 */
export function checkHead(request: IncomingMessage): void {
  const seen = new Set<string>()
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? '').toLowerCase()
    if (!SINGLE.has(name)) continue
    if (seen.has(name))
      throw new LadingError('bad_request', `${name}: the header field is given twice; send one`)
    seen.add(name)
  }
  if (request.httpVersion === '1.1' && !seen.has('host')) {
    throw new LadingError('bad_request', 'host: HTTP/1.1 requires this header field')
  }
  const expect = request.headers.expect
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new LadingError('bad_request', 'expect: the only expectation that is met here is 100-continue')
  }
}

/** Whether a body follows the head (RFC 9112, 6.3). */
export function hasContent(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || (contentLengthOf(request) ?? 0) > 0
}

/** Bytes of the body, if the head says; Node's parser has refused what is not a decimal number. */
export function contentLengthOf(request: IncomingMessage): number | undefined {
  const value = request.headers['content-length']
  return value === undefined ? undefined : Number(value)
}

/** The client's `X-Request-ID` when it is safe in logs and headers, or a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9._:/+=@-]{1,128}$/.test(given) ? given : newId()
}
