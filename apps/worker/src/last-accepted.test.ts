import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { LadingError } from '@lading/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Interposer } from '../../../test/support/interposer.ts'
import { Harness } from '../../../test/support/worker-harness.ts'

/**
 * What happens around a call: how long it is held before and after, and whether it fails without, or after, having taken
 * effect.
 */
interface Luck {
  readonly before: number
  readonly after: number
  readonly fails: 'never' | 'before' | 'after'
}

interface Schedule {
  /** Bytes, and the pause before the next, of each file that is accepted for the path. */
  readonly accepts: readonly { size: number; pause: number }[]
  /** Of the calls, in the order they come; those after pass. */
  readonly luck: readonly Luck[]
  /** Milliseconds after which all leases are over, whoever works. */
  readonly expiries: readonly number[]
}

const LARGE = 8 * 1024 * 1024 + 1
const RUNS = Number(process.env.LADING_TEST_RUNS ?? 12)

const milliseconds = (max: number) => fc.integer({ min: 0, max })
const schedules: fc.Arbitrary<Schedule> = fc.record({
  accepts: fc.array(
    fc.record({
      size: fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 0, max: 100 }) },
        { weight: 1, arbitrary: fc.constant(LARGE) },
      ),
      pause: milliseconds(60),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  luck: fc.array(
    fc.record({
      before: milliseconds(30),
      after: milliseconds(30),
      fails: fc.oneof(
        { weight: 6, arbitrary: fc.constant('never' as const) },
        { weight: 1, arbitrary: fc.constant('before' as const) },
        { weight: 1, arbitrary: fc.constant('after' as const) },
      ),
    }),
    { maxLength: 60 },
  ),
  expiries: fc.array(milliseconds(300), { maxLength: 3 }),
})

const STORE_CALLS = ['write', 'createUpload', 'uploadPart', 'completeUpload', 'abortUpload', 'prove', 'head']
const CATALOG_CALLS = ['leases.take', 'delivery.begin', 'delivery.settle', 'ledger.began']

let harness: Harness

beforeAll(async () => {
  harness = await Harness.open({
    config: {
      leaseMs: 2_000,
      retry: { attempts: 1_000, expiries: 1_000, maxAgeMs: 3_600_000, baseDelayMs: 5, maxDelayMs: 50 },
    },
  })
})
afterAll(() => harness[Symbol.asyncDispose]())

test('whatever workers meet, what was accepted last for a path is what the store and the catalog end with', async () => {
  const workers = [harness.startWorker(), harness.startWorker()]
  await fc.assert(
    fc.asyncProperty(schedules, async ({ accepts, luck, expiries }) => {
      let drawn = 0
      const draw = () => luck[drawn++]
      for (const { store, catalog } of workers) {
        for (const name of STORE_CALLS) tempt(store, name, 'store_unavailable', draw)
        for (const name of CATALOG_CALLS) tempt(catalog, name, 'catalog_unavailable', draw)
      }
      const uploader = await harness.uploader()
      const trouble = Promise.all(expiries.map((ms) => delay(ms).then(() => harness.expireLeases())))
      const jobs: string[] = []
      let last = Buffer.alloc(0)
      for (const { size, pause } of accepts) {
        last = randomBytes(size)
        jobs.push((await uploader.accept({ 'latest.pt': last })).jobId)
        await delay(pause)
      }
      await trouble
      for (const jobId of jobs) expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
      expect((await uploader.bytesOf('latest.pt'))?.equals(last)).toBe(true)
      for (const { store, catalog } of workers) {
        store.relent()
        catalog.relent()
      }
      await harness.settled()
    }),
    {
      numRuns: RUNS,
      ...(process.env.LADING_TEST_SEED ? { seed: Number(process.env.LADING_TEST_SEED) } : {}),
    },
  )
}, 600_000)

function tempt(
  port: Interposer,
  name: string,
  code: 'store_unavailable' | 'catalog_unavailable',
  draw: () => Luck | undefined,
) {
  const drawn = new WeakMap<object, Luck>()
  port.before(name, async (call) => {
    const luck = draw()
    if (!luck) return
    drawn.set(call, luck)
    await delay(luck.before)
    if (luck.fails === 'before') throw new LadingError(code, 'it did not happen')
  })
  port.after(name, async (call) => {
    const luck = drawn.get(call)
    if (!luck) return
    await delay(luck.after)
    if (luck.fails === 'after') throw new LadingError(code, 'it happened, and the answer was lost')
  })
}
