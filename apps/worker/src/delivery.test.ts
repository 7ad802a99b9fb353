import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Harness, sha256Of } from '../../../test/support/worker-harness.ts'

const MIB = 1024 * 1024

describe.each([
  { store: 'directory', queue: 'redis' },
  { store: 's3', queue: 'postgres' },
] as const)('to $store, with tickets in $queue', (options) => {
  test('small files, a large one and an empty one arrive, and nothing is left behind', async () => {
    await using harness = await Harness.open(options)
    const worker = harness.startWorker()
    const uploader = await harness.uploader()
    const large = randomBytes(20 * MIB + 7)
    const small = Array.from({ length: 120 }, (_, i) => [`small/${i}.bin`, randomBytes(1 + i * 100)])
    const files = { 'empty.txt': Buffer.alloc(0), 'large.bin': large, ...Object.fromEntries(small) }
    const { jobId } = await uploader.accept(files)
    expect(await uploader.ended(jobId)).toMatchObject({
      state: 'completed',
      files: { total: 122, stored: 122 },
    })
    expect(sha256Of((await uploader.bytesOf('large.bin')) ?? Buffer.alloc(0))).toBe(sha256Of(large))
    await harness.settled()
    const stored = () => worker.metric('lading_delivered_files_total', { state: 'stored' })
    await until(async () => (await stored()) === 122, { within: 30_000 })
  })

  test('what a file replaces is replaced in the store and in the catalog', async () => {
    await using harness = await Harness.open(options)
    harness.startWorker()
    const uploader = await harness.uploader()
    for (const text of ['one', 'two', 'two', 'three']) {
      const { jobId } = await uploader.accept({ 'same.txt': Buffer.from(text) })
      expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
      expect((await uploader.bytesOf('same.txt'))?.toString()).toBe(text)
    }
    await harness.settled()
  })
})
