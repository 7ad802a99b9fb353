import { randomBytes } from 'node:crypto'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Gate } from '../../../test/support/interposer.ts'
import { Harness, type Uploader } from '../../../test/support/worker-harness.ts'

const LARGE = 9 * 1024 * 1024
const WITHIN = { within: 30_000 }
const AWAY = new LadingError('store_unavailable', 'the store is away')
const DENIED = new LadingError('store_access_denied', 'the store says no')

async function deliver(uploader: Uploader, path: string, bytes: Buffer): Promise<void> {
  const { jobId } = await uploader.accept({ [path]: bytes })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
}

async function packsOf(harness: Harness): Promise<string[]> {
  const packs = []
  for await (const pack of harness.spool.list()) packs.push(pack.packId)
  return packs.sort()
}

test('packs that nothing needs go: those of no request, those delivered, and those of dead processes', async () => {
  await using harness = await Harness.open({ config: { unknownPackMs: 3_600_000, partialPackMs: 3_600_000 } })
  const uploader = await harness.uploader()
  const [young, unknown] = [await sealPack(harness), await sealPack(harness)]
  const [writing, left] = [newId(), newId()]
  await using writer = await harness.spool.create(writing, { expectedBytes: 0 })
  await using dead = await harness.spool.create(left, { expectedBytes: 0 })
  // So much that it is written before the pack is sealed.
  for (const one of [writer, dead]) await one.write(randomBytes(4 * 1024 * 1024))
  await until(async () => (await packsOf(harness)).length === 4, WITHIN)
  await makeOld(join(harness.spoolDirectory, 'packs', unknown))
  await makeOld(join(harness.spoolDirectory, 'incoming', left))
  const worker = harness.startWorker()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  await uploader.ended(jobId)
  await until(async () => (await packsOf(harness)).length === 2, WITHIN)
  expect(await packsOf(harness)).toEqual([young, writing].sort())
  await until(
    async () => (await worker.metric('lading_dropped_packs_total', { why: 'unknown' })) === 1,
    WITHIN,
  )
  await until(
    async () => (await worker.metric('lading_dropped_packs_total', { why: 'partial' })) === 1,
    WITHIN,
  )
})

test('a delivered pack whose worker died before it let go of it is found by the next', async () => {
  await using harness = await Harness.open()
  const killed = harness.startWorker()
  killed.catalog.after('delivery.settle', () => killed.cut())
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  await uploader.ended(jobId)
  expect(await packsOf(harness)).toHaveLength(1)
  const next = harness.startWorker({ leads: false })
  await until(async () => (await packsOf(harness)).length === 0, WITHIN)
  await until(async () => (await next.metric('lading_dropped_packs_total', { why: 'free' })) === 1, WITHIN)
})

test('the pack of a failed file is kept for a retry, and no longer than the policy says', async () => {
  await using harness = await Harness.open({ config: { keepFailedMs: 3_600_000 } })
  const worker = harness.startWorker()
  worker.store.before('write', () => Promise.reject(DENIED))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed' })
  const looks = worker.catalog.named('packs.expired').length
  await until(() => worker.catalog.named('packs.expired').length > looks + 1, WITHIN)
  expect(await packsOf(harness)).toHaveLength(1)
  await harness.sql(`UPDATE packs SET created_at = now() - interval '2 hours'`)
  await harness.sql(`UPDATE jobs SET ended_at = now() - interval '2 hours'`)
  await until(async () => (await packsOf(harness)).length === 0, WITHIN)
  await expect(harness.catalog.api.jobs.retry(uploader.tenant, jobId)).rejects.toMatchObject({
    code: 'spool_lost',
  })
})

test('the upload of a file that failed is aborted by the sweeper, though others cannot be', async () => {
  await using harness = await Harness.open({ store: 's3' })
  const worker = harness.startWorker()
  worker.store.before('uploadPart', () => Promise.reject(DENIED))
  worker.store.before('abortUpload', ({ args }) => {
    const [{ key }] = args as [{ key: string }]
    if (key.endsWith('/stuck')) throw DENIED
  })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ stuck: randomBytes(LARGE), other: randomBytes(LARGE) })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed', files: { failed: 2 } })
  await until(async () => (await harness.sql('SELECT 1 FROM uploads')).length === 1, WITHIN)
  worker.store.before('abortUpload')
  await harness.settled()
})

test('hundreds of uploads that cannot be aborted do not keep another waiting for ever', async () => {
  await using harness = await Harness.open({ config: { sweepMs: 10 } })
  const worker = harness.startWorker()
  worker.store.before('write', () => Promise.reject(DENIED))
  worker.store.before('abortUpload', ({ args }) => {
    if (args[1] !== 'the last') throw DENIED
  })
  const uploader = await harness.uploader()
  const paths = Array.from({ length: 300 }, (_, i) => `f/${i}`)
  const { jobId } = await uploader.accept(Object.fromEntries(paths.map((path) => [path, Buffer.alloc(1)])))
  await uploader.ended(jobId)
  await harness.sql(
    `INSERT INTO uploads (file_id, job_id, bucket, key, upload_id, part_size, created_at)
     SELECT file_id, job_id, 'artifacts', path, CASE path WHEN 'f/299' THEN 'the last' ELSE 'stuck' END, 1,
       CASE path WHEN 'f/299' THEN now() ELSE now() - interval '1 hour' END FROM files WHERE job_id = $1`,
    [jobId],
  )
  const left = async () => await harness.sql(`SELECT 1 FROM uploads WHERE upload_id = 'the last'`)
  await until(async () => (await left()).length === 0, WITHIN)
})

test('a failed job that is retried sends what its upload lacks, or begins another', async () => {
  await using harness = await Harness.open({ store: 's3' })
  const worker = harness.startWorker()
  worker.store.before('completeUpload', ({ nth }) => {
    if (nth === 1) throw DENIED
  })
  const uploader = await harness.uploader()
  const bytes = randomBytes(LARGE)
  const { jobId } = await uploader.accept({ large: bytes })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed' })
  await harness.catalog.api.jobs.retry(uploader.tenant, jobId)
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  expect((await uploader.bytesOf('large'))?.equals(bytes)).toBe(true)
  await harness.settled()
})

test('an artifact whose replacement was given up before it was written stays', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  const uploader = await harness.uploader()
  await deliver(uploader, 'model.pt', Buffer.from('the first'))
  worker.store.before('write', () => Promise.reject(DENIED))
  const { jobId } = await uploader.accept({ 'model.pt': Buffer.from('the second') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed' })
  await harness.settled()
  expect((await uploader.bytesOf('model.pt'))?.toString()).toBe('the first')
})

test('an artifact that was overwritten by one that was then given up goes, and so does the object', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  const uploader = await harness.uploader()
  await deliver(uploader, 'model.pt', Buffer.from('the first'))
  worker.store.after('write', () => Promise.reject(DENIED))
  const { jobId } = await uploader.accept({ 'model.pt': Buffer.from('the second') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed' })
  worker.store.relent()
  await harness.settled()
  expect(await uploader.artifact('model.pt')).toBeUndefined()
})

test('a deleted artifact is deleted from the store, however often that fails at first', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  worker.store.before('delete', ({ nth }) => (nth <= 3 ? Promise.reject(AWAY) : undefined))
  const uploader = await harness.uploader()
  await deliver(uploader, 'a', Buffer.from('x'))
  expect(await harness.catalog.api.artifacts.delete(uploader.run, 'a' as never)).toBe(true)
  await harness.settled()
  expect(worker.store.named('delete')).toHaveLength(4)
})

test('an artifact that is deleted while it is being replaced comes back as the new one', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  const uploader = await harness.uploader()
  await deliver(uploader, 'a', Buffer.from('the first'))
  const gate = new Gate()
  worker.store.before('write', gate.hold)
  const { jobId } = await uploader.accept({ a: Buffer.from('the second') })
  await gate.reached
  expect(await harness.catalog.api.artifacts.delete(uploader.run, 'a' as never)).toBe(true)
  const looks = worker.catalog.named('sweeps.takeDeletions').length
  await until(() => worker.catalog.named('sweeps.takeDeletions').length > looks + 1, WITHIN)
  gate.open()
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  await harness.settled()
  expect((await uploader.bytesOf('a'))?.toString()).toBe('the second')
})

test('a file waits for the deletion of its key that is under way', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  const uploader = await harness.uploader()
  await deliver(uploader, 'a', Buffer.from('the first'))
  const gate = new Gate()
  worker.store.before('delete', gate.hold)
  await harness.catalog.api.artifacts.delete(uploader.run, 'a' as never)
  await gate.reached
  const { jobId } = await uploader.accept({ a: Buffer.from('the second') })
  const tries = worker.catalog.named('delivery.begin').length
  await until(() => worker.catalog.named('delivery.begin').length > tries + 1, WITHIN)
  expect(worker.store.named('write')).toHaveLength(1)
  gate.open()
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  await harness.settled()
  expect((await uploader.bytesOf('a'))?.toString()).toBe('the second')
})

async function sealPack(harness: Harness): Promise<string> {
  const packId = newId()
  await using pack = await harness.spool.create(packId, { expectedBytes: 0 })
  await pack.write(Buffer.from('x'))
  await pack.seal()
  return packId
}

async function makeOld(file: string): Promise<void> {
  const before = new Date(Date.now() - 2 * 3_600_000)
  await utimes(file, before, before)
}
