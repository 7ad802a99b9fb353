import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Harness } from '../../../test/support/worker-harness.ts'

const MIB = 1024 * 1024

describe.each([
  { store: 'directory', queue: 'redis' },
  { store: 's3', queue: 'postgres' },
] as const)('to $store, with tickets in $queue', (options) => {
  test('small files, a large one and an empty one arrive, and nothing is left behind', async () => {
    await using harness = await Harness.open(options)
    harness.startWorker()
    const uploader = await harness.uploader()
    const files = {
      'empty.txt': Buffer.alloc(0),
      'model/large.bin': randomBytes(20 * MIB + 7),
      ...Object.fromEntries(
        Array.from({ length: 120 }, (_, i) => [`small/${i}.bin`, randomBytes(1 + i * 100)]),
      ),
    }
    const { jobId } = await uploader.accept(files)
    const job = await uploader.ended(jobId)
    expect(job).toMatchObject({ state: 'completed', files: { total: 122, stored: 122 } })
    expect(await uploader.bytesOf('model/large.bin')).toEqual(files['model/large.bin'])
    await harness.settled()
  })
})
