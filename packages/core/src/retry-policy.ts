/** How long delivery is tried. Kept in the catalog with the work, so that it survives every process. */
export interface RetryPolicy {
  /** Attempts that ended in a passing error before the work is given up. */
  readonly attempts: number
  /** Leases that ran out under a worker (it was killed, or hung) before the work is given up. */
  readonly expiries: number
  /** Milliseconds since it was accepted after which a failed attempt is the last. */
  readonly maxAgeMs: number
  /** Milliseconds before the second attempt. */
  readonly baseDelayMs: number
  /** The longest delay, milliseconds. */
  readonly maxDelayMs: number
}

/**
 * With a delay that grows to a minute, a thousand attempts outlast any outage that a night is long; work that ends
 * its worker is given up much sooner.
 */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 1_000,
  expiries: 20,
  maxAgeMs: 24 * 3_600_000,
  baseDelayMs: 500,
  maxDelayMs: 60_000,
}

export function mayRetry(policy: RetryPolicy, work: { attempts: number; ageMs: number }): boolean {
  return work.attempts < policy.attempts && work.ageMs < policy.maxAgeMs
}

/** Exponential with "equal" jitter: half the delay is fixed, so that a retry is never at once; half is drawn. */
export function retryDelayMs(
  policy: RetryPolicy,
  attempts: number,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(attempts - 1, 30))
  return Math.round(ceiling / 2 + random() * (ceiling / 2))
}
