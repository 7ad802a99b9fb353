import { expect, it, vi } from 'vitest'
import { type Watched, watch } from './watchdog.ts'

it('revives when tickets wait in front of idle slots and none is taken', async () => {
  const revived = await runFor({ idle: () => true, waiting: async () => 1, taken: () => 0 })
  expect(revived).toBeGreaterThan(0)
})

it.each<[string, Partial<Watched>]>([
  ['all slots are taken', { idle: () => false }],
  ['no ticket waits', { waiting: async () => 0 }],
  ['tickets are being taken', { taken: counter() }],
  ['the server does not answer', { waiting: () => Promise.reject(new Error('away')) }],
])('does nothing while %s', async (_, state) => {
  const revived = await runFor({ idle: () => true, waiting: async () => 1, taken: () => 0, ...state })
  expect(revived).toBe(0)
})

it('starts its clock again when the server was away in between', async () => {
  let look = 0
  const waiting = async () => {
    if (++look % 3 === 0) throw new Error('away')
    return 1
  }
  expect(await runFor({ idle: () => true, waiting, taken: () => 0 })).toBe(0)
})

/** Twenty looks of a watchdog that revives after three hungry ones. */
async function runFor(state: Omit<Watched, 'revive'>): Promise<number> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  let revived = 0
  const watchdog = watch({ ...state, revive: () => revived++ }, { everyMs: 100, starvedMs: 200 })
  try {
    await vi.advanceTimersByTimeAsync(2_000)
  } finally {
    watchdog.stop()
    vi.useRealTimers()
  }
  return revived
}

function counter(): () => number {
  let count = 0
  return () => count++
}
