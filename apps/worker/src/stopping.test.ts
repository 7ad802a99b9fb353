import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openS3Store } from '@lading/store-s3'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Gate, signalOf } from '../../../test/support/interposer.ts'
import { Harness } from '../../../test/support/worker-harness.ts'

const LARGE = 17 * 1024 * 1024
const SOON = { leaseMs: 6_000 }
const WITHIN = { within: 30_000 }

test('a job that is cancelled in mid-upload ends, and leaves neither an upload nor an object', async () => {
  await using harness = await Harness.open({ store: 's3', config: { ...SOON, requestsPerTicket: 1 } })
  const worker = harness.startWorker()
  const gate = new Gate()
  worker.store.before('uploadPart', (call) => (call.nth === 2 ? gate.hold(call) : undefined))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ large: randomBytes(LARGE) })
  const held = await gate.reached
  await harness.catalog.api.jobs.cancel(uploader.tenant, jobId)
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'cancelled', files: { cancelled: 1 } })
  expect(signalOf(held).reason).toMatchObject({ code: 'cancelled' })
  await harness.settled()
})

test('a file that is past stopping when its job is cancelled is stored', async () => {
  await using harness = await Harness.open({ config: { ...SOON, requestsPerTicket: 1 } })
  const worker = harness.startWorker()
  const gate = new Gate()
  worker.store.after('write', gate.hold)
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x'), b: Buffer.from('y') })
  const held = await gate.reached
  await harness.catalog.api.jobs.cancel(uploader.tenant, jobId)
  const beats = worker.catalog.named('leases.heartbeat').length
  await until(() => worker.catalog.named('leases.heartbeat').length >= beats + 2, WITHIN)
  expect(signalOf(held).aborted).toBe(false)
  gate.open()
  expect(await uploader.ended(jobId)).toMatchObject({
    state: 'cancelled',
    files: { stored: 1, cancelled: 1 },
  })
  expect((await uploader.bytesOf('a'))?.toString()).toBe('x')
  await harness.settled()
})

test('a write that never ends holds up a cancelled job for a moment only, and what it left is deleted', async () => {
  await using harness = await Harness.open({ config: SOON })
  const worker = harness.startWorker()
  const gate = new Gate()
  worker.store.after('write', gate.hold)
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  await gate.reached
  await harness.catalog.api.jobs.cancel(uploader.tenant, jobId)
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'cancelled', files: { cancelled: 1 } })
  await harness.settled()
  expect(await uploader.artifact('a')).toBeUndefined()
})

test('a worker that stops hands its work over: parts are kept, and no attempt is lost', async () => {
  await using harness = await Harness.open({ store: 's3', config: { requestsPerTicket: 1 } })
  harness.startWorker({ delivers: false })
  const first = harness.startWorker({ leads: false })
  const gate = new Gate()
  first.store.before('uploadPart', (call) => (call.nth === 2 ? gate.hold(call) : undefined))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ large: randomBytes(LARGE) })
  await gate.reached
  await first.stop()
  const [work] = await harness.sql('SELECT state, attempts, expiries FROM work_items')
  expect(work).toEqual({ state: 'ready', attempts: 0, expiries: 0 })
  const second = harness.startWorker({ leads: false })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  expect(second.store.named('uploadPart')).toHaveLength(2)
  expect(await second.metric('lading_resumed_parts_total')).toBe(1)
  await harness.settled()
})

test('a worker stops within its grace although the store never answers', async () => {
  await using harness = await Harness.open()
  const hole = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(hole, 'listening')
  const store = openS3Store({
    endpoint: `http://127.0.0.1:${(hole.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    forcePathStyle: true,
    requestTimeoutMs: 600_000,
    connectTimeoutMs: 5_000,
    maxSockets: 8,
  })
  const worker = harness.startWorker({ store })
  const uploader = await harness.uploader()
  await uploader.accept({ a: Buffer.from('x'), large: randomBytes(LARGE) })
  await until(
    () => worker.store.named('write').length + worker.store.named('createUpload').length === 2,
    WITHIN,
  )
  await worker.stop(60_000)
  const work = await harness.sql('SELECT state, attempts FROM work_items')
  expect(work).toEqual(work.map(() => ({ state: 'ready', attempts: 0 })))
  hole.closeAllConnections()
  hole.close()
})

test('a request that heeds no signal does not keep a worker from stopping', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  const gate = new Gate()
  worker.store.before('write', gate.holdDeaf)
  const uploader = await harness.uploader()
  await uploader.accept({ a: Buffer.from('x') })
  await gate.reached
  await worker.stop(200)
  const [work] = await harness.sql('SELECT state FROM work_items')
  expect(work).toEqual({ state: 'leased' })
  gate.open()
})
