import { LadingError } from '@lading/protocol'
import { describe, expect, test } from 'vitest'
import { until } from '../../../../test/support/deadline.ts'
import { Gate } from '../../../../test/support/interposer.ts'
import { Harness, type TestWorker, type Uploader } from '../../../../test/support/worker-harness.ts'
import { Collector, keysIn, plant } from '../fixtures/collector.ts'

const WITHIN = { within: 45_000 }
/** By which a small file comes to the store. */
const WRITES = ['write', 'adopt']
const DENIED = new LadingError('store_access_denied', 'the store says no')

describe.each(['directory', 's3'] as const)('in a store of the kind %s', (store) => {
  test('a file that begins while an orphan at its key is deleted waits for it', async () => {
    await using harness = await Harness.open({ store })
    const { worker, uploader, collector } = await besideAnOrphan(harness)
    const gate = new Gate()
    collector.store.before('delete', gate.hold)
    const outcome = collector.collectOne()
    await gate.reached
    const { jobId } = await uploader.accept({ a: Buffer.from('new') })
    await hasWaited(worker)
    expect(WRITES.flatMap((call) => worker.store.named(call))).toEqual([])
    gate.open()
    expect(await outcome).toBe('removed')
    await isStored(uploader, jobId, 'a', 'new')
  })

  test('a file that was accepted before the last look has the orphan left to it', async () => {
    await using harness = await Harness.open({ store })
    const { worker, uploader, collector } = await besideAnOrphan(harness)
    const gate = new Gate()
    collector.catalog.before('orphans.confirm', gate.holdDeaf)
    const outcome = collector.collectOne()
    await gate.reached
    const { jobId } = await uploader.accept({ a: Buffer.from('new') })
    await hasWaited(worker)
    gate.open()
    expect(await outcome).toBe('kept')
    await isStored(uploader, jobId, 'a', 'new')
  })

  test('a file that began before the lease is seen by the last look', async () => {
    await using harness = await Harness.open({ store })
    const { worker, uploader, collector } = await besideAnOrphan(harness)
    const [lease, write] = [new Gate(), new Gate()]
    collector.catalog.before('orphans.lease', lease.holdDeaf)
    for (const call of WRITES) worker.store.before(call, write.hold)
    const outcome = collector.collectOne()
    await lease.reached
    const { jobId } = await uploader.accept({ a: Buffer.from('new') })
    await write.reached
    lease.open()
    expect(await outcome).toBe('kept')
    write.open()
    await isStored(uploader, jobId, 'a', 'new')
  })

  test('what was delivered between the list and the lease is no orphan', async () => {
    await using harness = await Harness.open({ store })
    const { uploader, collector } = await besideAnOrphan(harness)
    const gate = new Gate()
    collector.catalog.before('orphans.lease', gate.holdDeaf)
    const outcome = collector.collectOne()
    await gate.reached
    const { jobId } = await uploader.accept({ a: Buffer.from('new') })
    await uploader.ended(jobId)
    gate.open()
    expect(await outcome).toBe('kept')
    await isStored(uploader, jobId, 'a', 'new')
  })

  test('nothing of an atomic job is an orphan: not before it is shown, not where it is staged, not while it is moved', async () => {
    await using harness = await Harness.open({ store })
    const { worker, uploader } = await withArtifact(harness)
    const collector = new Collector(harness)
    const [publish, copy] = [new Gate(), new Gate()]
    worker.catalog.before('delivery.publish', publish.holdDeaf)
    worker.store.before('copy', copy.hold)
    const { jobId } = await uploader.accept({ a: Buffer.from('new'), b: Buffer.from('b') }, { atomic: true })
    await publish.reached
    expect(await collector.collect()).toEqual([])
    publish.open()
    await copy.reached
    expect(await collector.collect()).toEqual([])
    copy.open()
    await isStored(uploader, jobId, 'a', 'new')
    expect(await collector.collect()).toEqual([])
  })

  test('the source of a copy is not deleted under it', async () => {
    await using harness = await Harness.open({ store })
    const { worker, uploader } = await withArtifact(harness)
    const copy = new Gate()
    worker.store.before('copy', copy.hold)
    const { jobId } = await uploader.accept({ a: Buffer.from('new') }, { atomic: true })
    await copy.reached
    const staged = (await keysIn(harness)).filter((key) => key.includes('/staging/'))
    expect(staged).toHaveLength(1)
    await new Collector(harness).collect()
    expect(await keysIn(harness)).toEqual(expect.arrayContaining(staged))
    copy.open()
    await isStored(uploader, jobId, 'a', 'new')
  })

  test('what a failed file has delivered to its staging key is kept for its retry', async () => {
    await using harness = await Harness.open({ store, config: { keepFailedMs: 3_600_000 } })
    const { worker, uploader } = await withArtifact(harness)
    for (const call of WRITES) worker.store.after(call, () => Promise.reject(DENIED))
    const { jobId } = await uploader.accept({ a: Buffer.from('new') }, { atomic: true })
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed' })
    expect(await new Collector(harness).collect()).toEqual([])
    worker.store.relent()
    await harness.catalog.api.jobs.retry(uploader.tenant, jobId)
    await isStored(uploader, jobId, 'a', 'new')
  })

  test('a deletion that is under way is left to the sweeper', async () => {
    await using harness = await Harness.open({ store })
    const { worker, uploader } = await withArtifact(harness)
    const gate = new Gate()
    worker.store.before('delete', gate.hold)
    await harness.catalog.api.artifacts.delete(uploader.run, 'a' as never)
    await gate.reached
    expect(await new Collector(harness).collect()).toEqual([])
    gate.open()
    await harness.settled()
    expect(await keysIn(harness)).toEqual([])
  })
})

describe('a process that is killed after it has the lease', () => {
  test('has its orphan taken over by the next, where nothing was ever accepted', async () => {
    await using harness = await Harness.open()
    const uploader = await harness.uploader()
    await plant(uploader, 'artifacts/a')
    await killedWithLease(harness)
    expect(await new Collector(harness).collect()).toEqual([])
    await harness.sql(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
    expect(await new Collector(harness).collectOne()).toBe('removed')
    expect(await harness.sql('SELECT 1 FROM deletions')).toEqual([])
  })

  test('leaves it to the sweeper, where something was', async () => {
    await using harness = await Harness.open()
    const { worker, uploader } = await withArtifact(harness)
    await harness.catalog.api.artifacts.delete(uploader.run, 'a' as never)
    await harness.settled()
    await plant(uploader, 'artifacts/a')
    await killedWithLease(harness)
    expect(await keysIn(harness)).toHaveLength(1)
    await harness.sql(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
    await harness.settled()
    expect(await keysIn(harness)).toEqual([])
    await worker.stop()
  })

  test('keeps a file of the path waiting for no longer than the lease, and never makes it fail', async () => {
    await using harness = await Harness.open({ store: 's3' })
    const worker = harness.startWorker()
    const uploader = await harness.uploader()
    await plant(uploader, 'artifacts/a')
    await killedWithLease(harness)
    const { jobId } = await uploader.accept({ a: Buffer.from('new') })
    await hasWaited(worker)
    await harness.sql(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
    await isStored(uploader, jobId, 'a', 'new')
    expect(await worker.metric('lading_failed_attempts_total')).toBe(0)
  })

  test('that wakes up when another has taken the orphan over deletes nothing', async () => {
    await using harness = await Harness.open()
    const uploader = await harness.uploader()
    await plant(uploader, 'artifacts/a')
    const sleeper = new Collector(harness)
    const gate = new Gate()
    sleeper.catalog.after('orphans.lease', gate.holdDeaf)
    const outcome = sleeper.collectOne()
    await gate.reached
    await harness.sql(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
    expect(await new Collector(harness).collectOne()).toBe('removed')
    await plant(uploader, 'artifacts/a', 'of somebody who was let at it since')
    gate.open()
    expect(await outcome).toBe('kept')
    expect(await keysIn(harness)).toHaveLength(1)
  })
})

/** Someone may upload to `a`, where an orphan lies, and someone may clear it up. */
async function besideAnOrphan(harness: Harness) {
  const worker = harness.startWorker()
  const uploader = await harness.uploader()
  await plant(uploader, 'artifacts/a')
  return { worker, uploader, collector: new Collector(harness) }
}

/** An artifact lies at `a`. */
async function withArtifact(harness: Harness) {
  const worker = harness.startWorker()
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('old') })
  await uploader.ended(jobId)
  return { worker, uploader }
}

async function killedWithLease(harness: Harness): Promise<void> {
  const killed = new Collector(harness)
  killed.catalog.after('orphans.lease', () => Promise.reject(new Error('killed')))
  await expect(killed.collect()).rejects.toThrow('killed')
}

/** Waits until the worker has asked for its key in vain. */
async function hasWaited(worker: TestWorker): Promise<void> {
  const asked = () => worker.catalog.named('delivery.begin').length
  const before = asked()
  await until(() => asked() > before + 2, WITHIN)
}

async function isStored(uploader: Uploader, jobId: string, path: string, text: string): Promise<void> {
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  await uploader.harness.settled()
  expect((await uploader.bytesOf(path))?.toString()).toBe(text)
}
