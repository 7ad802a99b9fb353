import type { IncomingHttpHeaders } from 'node:http'

/** What a request compares with (RFC 9110, 8.8). */
export interface Validators {
  /** Strong. */
  readonly etag: string
  readonly lastModified: Date
}

/** The outcome of a GET's or HEAD's conditions, in the order of RFC 9110, 13.2.2. */
export function evaluate(
  headers: IncomingHttpHeaders,
  validators: Validators,
): 'proceed' | 'not-modified' | 'failed' {
  const modifiedAt = seconds(validators.lastModified)
  const ifMatch = headers['if-match']
  const unmodifiedSince = dateOf(headers['if-unmodified-since'])
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, validators.etag, 'strong')) return 'failed'
  } else if (unmodifiedSince !== undefined && modifiedAt > unmodifiedSince) return 'failed'
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined)
    return matches(ifNoneMatch, validators.etag, 'weak') ? 'not-modified' : 'proceed'
  const modifiedSince = dateOf(headers['if-modified-since'])
  return modifiedSince !== undefined && modifiedAt <= modifiedSince ? 'not-modified' : 'proceed'
}

/** Whether a Range counts: `If-Range` must name exactly this representation (RFC 9110, 13.1.5). */
export function rangeHolds(headers: IncomingHttpHeaders, validators: Validators): boolean {
  const value = headers['if-range']
  if (value === undefined) return true
  if (typeof value !== 'string') return false
  if (value.startsWith('"') || value.startsWith('W/')) return value === validators.etag
  return dateOf(value) === seconds(validators.lastModified)
}

function matches(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  for (const [tag] of list.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (tag === etag || (comparison === 'weak' && tag === `W/${etag}`)) return true
  }
  return false
}

/** Seconds since the epoch; a date that cannot be read is as if it were not there. */
function dateOf(value: string | undefined): number | undefined {
  const time = value === undefined ? Number.NaN : Date.parse(value)
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000)
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
