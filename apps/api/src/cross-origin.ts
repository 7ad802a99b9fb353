import { LadingError } from '@lading/protocol'
import type { Request, RequestHandler, Response } from 'express'
import { exchangeOf } from './exchange.ts'
import { hasContent } from './request-head.ts'

/** What answers say in their headers besides what a page may always read (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name). */
export const EXPOSED_HEADERS: readonly string[] = [
  'Accept-Ranges',
  'Allow',
  'Content-Disposition',
  'Content-Range',
  'ETag',
  'Idempotency-Replayed',
  'Lading-Job-Id',
  'Lading-Sha256',
  'Lading-Status-Url',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Repr-Digest',
  'Retry-After',
  'Tus-Checksum-Algorithm',
  'Tus-Extension',
  'Tus-Max-Size',
  'Tus-Resumable',
  'Tus-Version',
  'Upload-Expires',
  'Upload-Length',
  'Upload-Metadata',
  'Upload-Offset',
  'WWW-Authenticate',
  'X-Request-Id',
]

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'

/** As long as any browser remembers one; Chromium's limit. */
const PREFLIGHT_SECONDS = 7200

/**
 * Lets pages of the listed origins ask, and read what they are answered (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Pages of others may change nothing, get no answer to a preflight, and lack the header by which their browser would let
 * them read what they are answered. Credentials are not allowed: there are no cookies here, and a key is shown by whoever
 * has it. Fails with `origin_not_allowed`.
 */
export function crossOrigin(origins: readonly string[]): RequestHandler {
  const listed = new Set(origins)
  return (request, response, next) => {
    // Of the answer to others too: a cache must not give it to those who are listed.
    if (listed.size > 0) response.setHeader('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !listed.has(origin)) {
      refuseForeignPage(request)
      return next()
    }
    response.setHeader('access-control-allow-origin', origin)
    if (isPreflight(request)) return answerPreflight(request, response)
    response.setHeader('access-control-expose-headers', EXPOSED_HEADERS.join(', '))
    next()
  }
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A page may send a form elsewhere without a preflight. Browsers say that it does (https://www.w3.org/TR/fetch-metadata/). */
function refuseForeignPage({ method, headers }: Request): void {
  const site = headers['sec-fetch-site']
  if (READING.has(method) || site === undefined || site === 'same-origin' || site === 'none') return
  throw new LadingError(
    'origin_not_allowed',
    `origin: pages of ${(headers.origin ?? 'others').slice(0, 200)} may change nothing here, unless the operator lists it in LADING_CORS_ORIGINS`,
  )
}

/** A browser's has no body; what has one goes the way of other requests, where bodies have limits. */
function isPreflight(request: Request): boolean {
  const { method, headers } = request
  return (
    method === 'OPTIONS' && headers['access-control-request-method'] !== undefined && !hasContent(request)
  )
}

/** It asks nothing of the address, which is for the request that follows. Any header field may be sent, as by programs. */
function answerPreflight(request: Request, response: Response): void {
  exchangeOf(response).route = 'preflight'
  const asked = request.headers['access-control-request-headers']
  response.setHeader('vary', 'Origin, Access-Control-Request-Headers')
  response.setHeader('access-control-allow-methods', METHODS)
  if (asked !== undefined) response.setHeader('access-control-allow-headers', asked)
  response.setHeader('access-control-max-age', PREFLIGHT_SECONDS)
  response.writeHead(204).end()
}
