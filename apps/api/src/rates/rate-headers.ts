import type { RateBucket } from '@lading/catalog'
import type { Response } from 'express'

/**
 * Tells a client how it stands with a rate: `RateLimit-Policy` (at most `q` in `w` seconds) and `RateLimit` (`r` are left,
 * all are back in `t` seconds). https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.txt
 */
export function tellRate(response: Response, { kind, rate, burst }: RateBucket, left: number): void {
  if (response.headersSent) return
  const unit = kind === 'bytes' ? ';qu="content-bytes"' : ''
  append(response, 'ratelimit-policy', `"${kind}";q=${Math.floor(burst)};w=${Math.ceil(burst / rate)}${unit}`)
  const back = Math.max(0, Math.ceil((burst - left) / rate))
  append(response, 'ratelimit', `"${kind}";r=${Math.max(0, Math.floor(left))};t=${back}`)
}

/** Seconds until there is something left. */
export function secondsUntilSome({ rate }: RateBucket, left: number): number {
  return Math.max(1, Math.ceil(-left / rate))
}

function append(response: Response, name: string, item: string): void {
  const before = response.getHeader(name)
  response.setHeader(name, before === undefined ? item : `${before}, ${item}`)
}
