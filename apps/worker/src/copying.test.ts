import { randomBytes } from 'node:crypto'
import type { Job, Planned } from '@lading/catalog'
import { type ArtifactPath, DigestTaker, type ObjectFacts, type ObjectRef } from '@lading/core'
import { describe, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Gate } from '../../../test/support/interposer.ts'
import { Harness, type Uploader } from '../../../test/support/worker-harness.ts'
import { Collector } from './fixtures/collector.ts'

const LARGE = 9 * 1024 * 1024
const WITHIN = { within: 45_000 }

async function openJob({ harness, run }: Uploader, atomic = false): Promise<string> {
  const job = { atomic, directory: '', shards: undefined, expectedFiles: undefined, deadline: undefined }
  return (await harness.catalog.api.jobs.open(run, job)).jobId
}

async function plan(
  { harness, run }: Uploader,
  jobId: string,
  files: Readonly<Record<string, Buffer>>,
): Promise<Planned | undefined> {
  const asked = Object.entries(files).map(([path, bytes]) => ({
    path: path as ArtifactPath,
    size: bytes.length,
    sha256: factsOf(bytes).sha256,
  }))
  return await harness.catalog.api.jobs.plan(run, jobId, asked, { copy: true })
}

async function seal({ harness, tenant }: Uploader, jobId: string): Promise<void> {
  const given = { shard: undefined, files: undefined, manifestSha256: undefined }
  await harness.catalog.api.jobs.seal(tenant, jobId, given)
}

function factsOf(bytes: Buffer): ObjectFacts {
  const taker = new DigestTaker()
  taker.update(bytes)
  return { ...taker.finish(), contentType: 'application/octet-stream' }
}

/** One who has logged the files before, and another run of the same tenant. */
async function logged(harness: Harness, files: Readonly<Record<string, Buffer>>) {
  const earlier = await harness.uploader()
  const { jobId } = await earlier.accept(files)
  expect(await earlier.ended(jobId)).toMatchObject({ state: 'completed' })
  return { earlier, uploader: await harness.uploader(earlier.tenant) }
}

async function objectOf(uploader: Uploader, path: string): Promise<ObjectRef> {
  const artifact = await uploader.artifact(path)
  if (!artifact) throw new Error(`there is no artifact ${path}`)
  return artifact
}

async function failedIn(uploader: Uploader, jobId: string): Promise<Job> {
  await until(async () => (await uploader.job(jobId)).files.failed > 0, WITHIN)
  return await uploader.job(jobId)
}

describe.each(['directory', 's3'] as const)('copies in a store of the kind %s', (store) => {
  test('small and large files, at as many paths as were asked for, are delivered from what is there', async () => {
    await using harness = await Harness.open({ store })
    const worker = harness.startWorker()
    const [small, large, empty] = [randomBytes(1_000), randomBytes(LARGE), Buffer.alloc(0)]
    const { uploader } = await logged(harness, { small, large, empty })
    const jobId = await openJob(uploader)
    const files = { 'c/1': small, 'c/2': small, 'c/3': small, 'd/large': large, 'd/empty': empty }
    expect(await plan(uploader, jobId, files)).toEqual({ needed: [], copied: 5 })
    await seal(uploader, jobId)
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { total: 5, stored: 5 } })
    // What is small is carried by the worker, where that is quicker.
    expect(worker.store.named('copy')).toHaveLength(store === 's3' ? 1 : 5)
    for (const [path, bytes] of Object.entries(files))
      expect((await uploader.bytesOf(path))?.equals(bytes)).toBe(true)
    await harness.settled()
  })

  test('neither the source of a copy under way nor what it has made is an orphan', async () => {
    await using harness = await Harness.open({ store })
    const worker = harness.startWorker()
    const large = randomBytes(LARGE)
    const { uploader } = await logged(harness, { large })
    const collector = new Collector(harness)
    const [before, after] = [new Gate(), new Gate()]
    worker.store.before('copy', before.hold)
    worker.store.after('copy', after.hold)
    const jobId = await openJob(uploader)
    expect(await plan(uploader, jobId, { copied: large })).toEqual({ needed: [], copied: 1 })
    await before.reached
    expect(await collector.collect()).toEqual([])
    before.open()
    await after.reached
    expect(await collector.collect()).toEqual([])
    after.open()
    await seal(uploader, jobId)
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
    expect((await uploader.bytesOf('copied'))?.equals(large)).toBe(true)
    await harness.settled()
  })

  test.each([1_000, LARGE])(
    'a source of %i bytes that is deleted in between fails the copy; the client plans again, sends, and the job completes',
    async (size) => {
      await using harness = await Harness.open({ store })
      const worker = harness.startWorker()
      const bytes = randomBytes(size)
      const { earlier, uploader } = await logged(harness, { model: bytes })
      const gate = new Gate()
      worker.catalog.after('delivery.copySources', gate.holdDeaf)
      const jobId = await openJob(uploader)
      await plan(uploader, jobId, { copy: bytes })
      await gate.reached
      const source = await objectOf(earlier, 'model')
      await harness.catalog.api.artifacts.delete(earlier.run, 'model' as ArtifactPath)
      await until(
        async () => (await harness.store.head(source, AbortSignal.timeout(30_000))) === undefined,
        WITHIN,
      )
      gate.open()
      expect(await failedIn(uploader, jobId)).toMatchObject({
        state: 'open',
        error: { code: 'copy_source_gone', path: 'copy' },
      })
      expect(await plan(uploader, jobId, { copy: bytes })).toEqual({ needed: ['copy'], copied: 0 })
      await uploader.accept({ copy: bytes }, { jobId })
      await seal(uploader, jobId)
      expect(await uploader.ended(jobId)).toMatchObject({
        state: 'completed',
        files: { stored: 1, superseded: 1, failed: 0 },
      })
      await harness.settled()
    },
  )

  test.each([1_000, LARGE])(
    'of a source of %i bytes that somebody overwrote nothing is copied; a good one beside it is',
    async (size) => {
      await using harness = await Harness.open({ store })
      harness.startWorker()
      const [bytes, alone] = [randomBytes(size), randomBytes(size)]
      const { earlier, uploader } = await logged(harness, { damaged: bytes, good: bytes, alone })
      for (const path of ['damaged', 'alone']) {
        const other = randomBytes(size)
        const options = { precondition: { kind: 'none' }, signal: AbortSignal.timeout(30_000) } as const
        await harness.store.put(await objectOf(earlier, path), other, factsOf(other), options)
      }
      const jobId = await openJob(uploader)
      await plan(uploader, jobId, { one: bytes, two: bytes, none: alone })
      await seal(uploader, jobId)
      expect(await uploader.ended(jobId)).toMatchObject({
        state: 'failed',
        files: { stored: 2, failed: 1 },
        error: { code: 'copy_source_gone', path: 'none' },
      })
      expect((await uploader.bytesOf('one'))?.equals(bytes)).toBe(true)
    },
  )

  test.each(['before', 'after'] as const)(
    'a worker that is killed just %s the store copies is followed by another, and nothing is left over',
    async (when) => {
      await using harness = await Harness.open({ store, config: { leaseMs: 2_000 } })
      const bytes = randomBytes(LARGE)
      harness.startWorker({ delivers: false })
      const first = harness.startWorker({ leads: false })
      const { uploader } = await logged(harness, { model: bytes })
      const gate = new Gate()
      first.store[when]('copy', async (call) => {
        // What a store that copies in parts is left with.
        if (when === 'before')
          await harness.store.createUpload(
            call.args[1] as ObjectRef,
            factsOf(bytes),
            AbortSignal.timeout(30_000),
          )
        await gate.holdDeaf(call)
      })
      const jobId = await openJob(uploader)
      await plan(uploader, jobId, { copy: bytes })
      await gate.reached
      first.cut()
      gate.open()
      harness.startWorker({ leads: false })
      await seal(uploader, jobId)
      expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
      expect((await uploader.bytesOf('copy'))?.equals(bytes)).toBe(true)
      await first.kill()
      await harness.settled()
    },
  )

  test('an atomic job shows copies in place of what was there at the instant of all others', async () => {
    await using harness = await Harness.open({ store })
    harness.startWorker()
    const [shown, bytes] = [randomBytes(500), randomBytes(1_000)]
    const { uploader } = await logged(harness, { model: bytes })
    await uploader.ended((await uploader.accept({ replaced: shown })).jobId)
    const jobId = await openJob(uploader, true)
    await plan(uploader, jobId, { replaced: bytes, new: bytes })
    await until(async () => (await uploader.job(jobId)).files.stored === 2, WITHIN)
    expect((await uploader.bytesOf('replaced'))?.equals(shown)).toBe(true)
    expect(await uploader.artifact('new')).toBeUndefined()
    await seal(uploader, jobId)
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 2 } })
    for (const path of ['replaced', 'new']) expect((await uploader.bytesOf(path))?.equals(bytes)).toBe(true)
    await harness.settled()
  })

  test('what lies at the very key already is not copied', async () => {
    await using harness = await Harness.open({ store })
    const worker = harness.startWorker()
    const bytes = randomBytes(1_000)
    const uploader = await harness.uploader()
    await uploader.ended((await uploader.accept({ model: bytes })).jobId)
    // A newer file is accepted and cancelled before it is written: it is the newest of the path all the same.
    const jobId = await openJob(uploader)
    await worker.stop()
    const newer = await uploader.accept({ model: randomBytes(10) })
    await harness.catalog.api.jobs.cancel(uploader.tenant, newer.jobId)
    const next = harness.startWorker()
    expect(await plan(uploader, jobId, { model: bytes })).toEqual({ needed: [], copied: 1 })
    await seal(uploader, jobId)
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
    expect(next.store.named('copy')).toEqual([])
    await harness.settled()
  })
})
