import { setTimeout as delay } from 'node:timers/promises'
import { newId } from '@lading/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Interposer } from '../../../../test/support/interposer.ts'
import { Harness, type Uploader } from '../../../../test/support/worker-harness.ts'
import { Collector, plant } from '../fixtures/collector.ts'

const PATHS = ['a', 'b', 'c/d'] as const
const RUNS = Number(process.env.LADING_TEST_RUNS ?? 6)

type Deed = { readonly paths: string[]; readonly pause: number } & (
  | { readonly does: 'upload'; readonly atomic: boolean }
  | { readonly does: 'delete' }
)

interface Schedule {
  readonly deeds: readonly Deed[]
  /** Milliseconds that calls are held, in the order they come, over and over. */
  readonly holds: readonly number[]
}

const pause = fc.integer({ min: 0, max: 80 })
const paths = fc.uniqueArray(fc.constantFrom(...PATHS), { minLength: 1 })
const schedules: fc.Arbitrary<Schedule> = fc.record({
  deeds: fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ does: fc.constant('upload' as const), atomic: fc.boolean(), paths, pause }),
      },
      { weight: 1, arbitrary: fc.record({ does: fc.constant('delete' as const), paths, pause }) },
    ),
    { minLength: 2, maxLength: 8 },
  ),
  holds: fc.array(
    // A call that is held for long sees whole deliveries pass.
    fc.oneof(
      { weight: 7, arbitrary: fc.integer({ min: 0, max: 20 }) },
      { weight: 1, arbitrary: fc.constant(250) },
    ),
    { minLength: 20, maxLength: 60 },
  ),
})

const STORE_CALLS = ['list', 'write', 'adopt', 'copy', 'head', 'delete', 'proveWritten']
const CATALOG_CALLS = [
  'delivery.begin',
  'delivery.settle',
  'delivery.publish',
  'staging.takeMoves',
  'staging.moved',
  'sweeps.takeDeletions',
  'orphans.claimed',
  'orphans.lease',
  'orphans.confirm',
  'orphans.release',
]

describe.each(['directory', 's3'] as const)('in a store of the kind %s', (kind) => {
  test('whatever comes in whatever order, orphans go and nothing else does', async () => {
    await using harness = await Harness.open({ store: kind })
    const worker = harness.startWorker()
    const collector = new Collector(harness)
    await fc.assert(
      fc.asyncProperty(schedules, async ({ deeds, holds }) => {
        let drawn = 0
        const held = [worker, collector].flatMap(({ store, catalog }) => [store, catalog])
        for (const port of held) hold(port, () => holds[drawn++ % holds.length] ?? 0)
        const uploader = await harness.uploader()
        for (const path of PATHS) await plant(uploader, `artifacts/${path}`)
        await plant(uploader, `staging/${newId()}`)
        let busy = true
        const collecting = (async () => {
          while (busy) await collector.collect({ runId: uploader.run.runId })
        })()
        const jobs: string[] = []
        for (const deed of deeds) {
          await doDeed(uploader, deed, jobs)
          await delay(deed.pause)
        }
        for (const jobId of jobs) expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
        busy = false
        await collecting
        for (const port of held) port.relent()
        await collector.collect({ runId: uploader.run.runId })
        await harness.settled()
      }),
      {
        numRuns: RUNS,
        ...(process.env.LADING_TEST_SEED ? { seed: Number(process.env.LADING_TEST_SEED) } : {}),
      },
    )
  }, 600_000)
})

async function doDeed(uploader: Uploader, deed: Deed, jobs: string[]): Promise<void> {
  const { harness, run } = uploader
  if (deed.does === 'delete') {
    for (const path of deed.paths) await harness.catalog.api.artifacts.delete(run, path as never)
    return
  }
  const files = Object.fromEntries(deed.paths.map((path) => [path, Buffer.from(newId())]))
  jobs.push((await uploader.accept(files, { atomic: deed.atomic })).jobId)
}

function hold(port: Interposer, draw: () => number): void {
  for (const name of [...STORE_CALLS, ...CATALOG_CALLS])
    port.before(name, async () => void (await delay(draw())))
}
