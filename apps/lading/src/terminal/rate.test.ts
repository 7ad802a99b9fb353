import { expect, test } from 'vitest'
import { Rate } from './rate.ts'

test('a rate is that of the last ten seconds, and unknown for the first moment', () => {
  const rate = new Rate()
  expect(rate.after(0, 0)).toBeUndefined()
  expect(rate.after(100, 100)).toBeUndefined()
  expect(rate.after(2000, 2000)).toBe(1000)
  for (let second = 3; second <= 30; second++) rate.after(2000 + second, second * 1000)
  expect(rate.after(2031, 31_000)).toBeLessThan(2)
})
