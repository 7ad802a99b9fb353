import { randomBytes } from 'node:crypto'
import { LadingError } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Gate, signalOf } from '../../../test/support/interposer.ts'
import { Harness, type TestWorker } from '../../../test/support/worker-harness.ts'

const LARGE = 9 * 1024 * 1024
/** Leases that are heard of soon. */
const SOON = { leaseMs: 6_000 }
const AWAY = new LadingError('store_unavailable', 'the store is away')

/** Waits until the worker has heard what a heartbeat from now on says: the one after that has begun. */
async function heard(worker: TestWorker): Promise<void> {
  const before = worker.catalog.named('leases.heartbeat').length
  await until(() => worker.catalog.named('leases.heartbeat').length >= before + 2, { within: 30_000 })
}

/** One that delivers, and another that leads, so that what is seen of the first is its own delivering. */
function startWorkers(harness: Harness): TestWorker {
  harness.startWorker({ delivers: false })
  return harness.startWorker({ leads: false })
}

/** The order in which uploads were begun and aborted. */
function uploadsOf(worker: TestWorker): string[] {
  return worker.store.calls
    .filter(({ name }) => name === 'createUpload' || name === 'abortUpload' || name === 'completeUpload')
    .map(({ name }) => name)
}

test('an upload in parts ends within a heartbeat when a newer file is accepted, and before the newer one begins', async () => {
  await using harness = await Harness.open({ config: SOON })
  const worker = startWorkers(harness)
  const gate = new Gate()
  worker.store.before('uploadPart', (call) => (call.nth === 1 ? gate.hold(call) : undefined))
  const uploader = await harness.uploader()
  const older = await uploader.accept({ 'latest.pt': randomBytes(LARGE) })
  const signal = signalOf(await gate.reached)
  const bytes = randomBytes(LARGE)
  const newer = await uploader.accept({ 'latest.pt': bytes })
  expect(await uploader.ended(newer.jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
  expect(signal.reason).toMatchObject({ code: 'superseded' })
  expect(await uploader.job(older.jobId)).toMatchObject({ state: 'completed', files: { superseded: 1 } })
  expect((await uploader.bytesOf('latest.pt'))?.equals(bytes)).toBe(true)
  expect(uploadsOf(worker)).toEqual(['createUpload', 'abortUpload', 'createUpload', 'completeUpload'])
  await harness.settled()
})

test('an upload is also aborted when it was only just being begun', async () => {
  await using harness = await Harness.open({ config: SOON })
  const worker = startWorkers(harness)
  const gate = new Gate()
  worker.store.after('createUpload', (call) => (call.nth === 1 ? gate.holdDeaf(call) : undefined))
  const uploader = await harness.uploader()
  await uploader.accept({ 'latest.pt': randomBytes(LARGE) })
  await gate.reached
  const newer = await uploader.accept({ 'latest.pt': randomBytes(LARGE) })
  await heard(worker)
  gate.open()
  expect(await uploader.ended(newer.jobId)).toMatchObject({ state: 'completed' })
  expect(uploadsOf(worker)).toEqual(['createUpload', 'abortUpload', 'createUpload', 'completeUpload'])
  await harness.settled()
})

test('the newer file waits until the upload of the older could be aborted', async () => {
  await using harness = await Harness.open({ config: SOON })
  const worker = startWorkers(harness)
  const gate = new Gate()
  worker.store.before('uploadPart', (call) => (call.nth === 1 ? gate.hold(call) : undefined))
  worker.store.before('abortUpload', ({ nth }) => (nth <= 3 ? Promise.reject(AWAY) : undefined))
  const uploader = await harness.uploader()
  const older = await uploader.accept({ 'latest.pt': randomBytes(LARGE) })
  await gate.reached
  const newer = await uploader.accept({ 'latest.pt': randomBytes(LARGE) })
  expect(await uploader.ended(newer.jobId)).toMatchObject({ state: 'completed' })
  expect(await uploader.job(older.jobId)).toMatchObject({ files: { superseded: 1 } })
  expect(uploadsOf(worker)).toEqual([
    'createUpload',
    ...Array.from({ length: 4 }, () => 'abortUpload'),
    'createUpload',
    'completeUpload',
  ])
  await harness.settled()
})

test('what a killed worker left of an older file is cleared away first, also when the store fails at it', async () => {
  await using harness = await Harness.open({ config: { requestsPerTicket: 1 } })
  harness.startWorker({ delivers: false })
  const killed = harness.startWorker({ leads: false })
  killed.store.after('uploadPart', () => killed.cut())
  const uploader = await harness.uploader()
  const older = await uploader.accept({ 'latest.pt': randomBytes(LARGE) })
  await killed.store.whenSevered
  const newer = await uploader.accept({ 'latest.pt': randomBytes(LARGE) })
  await harness.expireLeases()
  const worker = harness.startWorker({ leads: false })
  worker.store.before('abortUpload', ({ nth }) => (nth <= 2 ? Promise.reject(AWAY) : undefined))
  expect(await uploader.ended(newer.jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
  expect(await uploader.ended(older.jobId)).toMatchObject({ files: { superseded: 1 } })
  expect(uploadsOf(worker).indexOf('createUpload')).toBeGreaterThan(2)
  await harness.settled()
})

test('a file in its one request is let through, and then replaced', async () => {
  await using harness = await Harness.open({ config: SOON })
  const worker = startWorkers(harness)
  const gate = new Gate()
  worker.store.before('write', (call) => (call.nth === 1 ? gate.hold(call) : undefined))
  const uploader = await harness.uploader()
  const older = await uploader.accept({ 'latest.json': Buffer.from('older') })
  const held = await gate.reached
  const newer = await uploader.accept({ 'latest.json': Buffer.from('newer') })
  await heard(worker)
  expect(signalOf(held).aborted).toBe(false)
  gate.open()
  expect(await uploader.ended(older.jobId)).toMatchObject({ state: 'completed' })
  expect(await uploader.ended(newer.jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
  expect((await uploader.bytesOf('latest.json'))?.toString()).toBe('newer')
  await harness.settled()
})
