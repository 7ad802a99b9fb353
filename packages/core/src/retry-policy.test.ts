import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_RETRY_POLICY, mayRetry, type RetryPolicy, retryDelayMs } from './retry-policy.ts'

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  attempts: fc.integer({ min: 1, max: 10_000 }),
  expiries: fc.integer({ min: 1, max: 100 }),
  maxAgeMs: fc.integer({ min: 1, max: 1e10 }),
  baseDelayMs: fc.integer({ min: 1, max: 10_000 }),
  maxDelayMs: fc.integer({ min: 1, max: 600_000 }),
})

test('a pause is between half and all of what the attempt calls for, and never above the longest', () => {
  const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 100_000 }), draws, (policy, attempts, draw) => {
      const delay = retryDelayMs(policy, attempts, () => draw)
      const called = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(attempts - 1, 30))
      expect(Number.isInteger(delay)).toBe(true)
      expect(delay).toBeGreaterThanOrEqual(Math.floor(called / 2))
      expect(delay).toBeLessThanOrEqual(called)
    }),
  )
})

test('pauses grow from half a second to a minute', () => {
  const longest = [1, 2, 3, 7, 8, 9, 1_000].map((attempts) =>
    retryDelayMs(DEFAULT_RETRY_POLICY, attempts, () => 1),
  )
  expect(longest).toEqual([500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000])
})

test('work is tried again until its attempts or its time are used up', () => {
  const policy = { ...DEFAULT_RETRY_POLICY, attempts: 3, maxAgeMs: 1_000 }
  expect(mayRetry(policy, { attempts: 2, ageMs: 999 })).toBe(true)
  expect(mayRetry(policy, { attempts: 3, ageMs: 0 })).toBe(false)
  expect(mayRetry(policy, { attempts: 1, ageMs: 1_000 })).toBe(false)
})

test('by default an outage of a night is outlasted', () => {
  const outageMs = 12 * 3_600_000
  let [attempts, elapsed] = [1, 0]
  for (; elapsed < outageMs; attempts++) elapsed += retryDelayMs(DEFAULT_RETRY_POLICY, attempts, () => 0.5)
  expect(mayRetry(DEFAULT_RETRY_POLICY, { attempts, ageMs: outageMs })).toBe(true)
})
