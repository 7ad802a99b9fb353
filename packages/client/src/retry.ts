const LONGEST_DELAY_MS = 30_000
const LONGEST_RETRY_AFTER_MS = 300_000

/**
 * Milliseconds before the next attempt; `failures` is how many there were. Longer each time and drawn by lot, so that
 * many clients whom one fault stopped do not come back as one; never before the server asks, for up to five minutes.
 */
export function delayBefore(failures: number, firstMs: number, retryAfterMs = 0): number {
  const most = Math.min(LONGEST_DELAY_MS, firstMs * 2 ** (failures - 1))
  return Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) + most * (0.5 + Math.random() / 2)
}

/** Milliseconds, of `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). Undefined: it says nothing. */
export function retryAfterIn(value: string | null): number | undefined {
  if (value === null) return undefined
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
