import { expect, test } from 'vitest'
import { delayBefore, retryAfterIn } from './retry.ts'

test('the wait grows, is drawn by lot, and is never shorter than the server asks', () => {
  const [first, tenth] = [1, 10].map((failures) =>
    Array.from({ length: 100 }, () => delayBefore(failures, 200)),
  )
  expect(Math.min(...(first ?? []))).toBeGreaterThanOrEqual(100)
  expect(Math.max(...(first ?? []))).toBeLessThanOrEqual(200)
  expect(Math.min(...(tenth ?? []))).toBeGreaterThanOrEqual(15_000)
  expect(Math.max(...(tenth ?? []))).toBeLessThanOrEqual(30_000)
  expect(new Set(tenth).size).toBeGreaterThan(90)
  expect(delayBefore(1, 200, 7000)).toBeGreaterThanOrEqual(7100)
})

test('Retry-After is read as seconds or as a date, and is not believed beyond five minutes', () => {
  expect(retryAfterIn('7')).toBe(7000)
  expect(retryAfterIn(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(50_000)
  expect(retryAfterIn('Fri, 31 Dec 1999 23:59:59 GMT')).toBe(0)
  expect([retryAfterIn(null), retryAfterIn('soon')]).toEqual([undefined, undefined])
  expect(delayBefore(1, 200, 1e9)).toBeLessThanOrEqual(300_200)
})
