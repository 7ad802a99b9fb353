import { expect, test } from 'vitest'
import { type Clock, Pace } from './pace.ts'

const signal = new AbortController().signal

test('what is taken waits for what was taken before it, and nothing is saved up by resting', async () => {
  const clock = new WoundClock()
  const pace = new Pace(100, clock)
  await pace.take(50, signal)
  expect(clock.time).toBe(0)
  await pace.take(10, signal)
  expect(clock.time).toBe(500)
  clock.time = 60_000
  await pace.take(100, signal)
  expect(clock.time).toBe(60_000)
  await pace.take(1, signal)
  expect(clock.time).toBe(61_000)
})

test('without a bound nobody waits', async () => {
  const clock = new WoundClock()
  const pace = new Pace(0, clock)
  for (let n = 0; n < 3; n++) await pace.take(1e12, signal)
  expect(clock.time).toBe(0)
})

test('who waits is let go by the signal', async () => {
  const stop = new AbortController()
  const pace = new Pace(1)
  await pace.take(1_000_000, stop.signal)
  const waiting = pace.take(1, stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
})

/** Goes on by what is waited for. */
class WoundClock implements Clock {
  time = 0

  now(): number {
    return this.time
  }

  async pause(ms: number): Promise<void> {
    this.time += ms
  }
}
