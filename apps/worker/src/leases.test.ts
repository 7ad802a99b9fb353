import { randomBytes } from 'node:crypto'
import { LadingError } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Gate, signalOf } from '../../../test/support/interposer.ts'
import { Harness } from '../../../test/support/worker-harness.ts'

const WITHIN = { within: 30_000 }
/** Sent in parts, and proven by itself. */
const LARGE = 9 * 1024 * 1024
const AWAY = new LadingError('catalog_unavailable', 'Postgres is away')

test('a worker whose lease has passed to another stops in mid-request, and its late commit moves nothing', async () => {
  await using harness = await Harness.open({ config: { leaseMs: 12_000, requestsPerTicket: 1 } })
  const first = harness.startWorker()
  const gate = new Gate()
  first.store.before('write', (call) => (call.nth === 1 ? gate.hold(call) : undefined))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: randomBytes(LARGE), b: Buffer.from('second') })
  const held = await gate.reached
  harness.startWorker({ leads: false })
  await harness.expireLeases()
  await until(() => signalOf(held).aborted, WITHIN)
  expect(signalOf(held).reason).toMatchObject({ code: 'lease_lost' })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 2 } })
  await until(() => first.metric('lading_fenced_drops_total', { at: 'settle' }), WITHIN)
  expect(await first.metric('lading_delivered_files_total')).toBeLessThanOrEqual(2)
  await harness.settled()
})

test('a worker that cannot extend its lease stops by itself before it runs out', async () => {
  await using harness = await Harness.open({ config: { leaseMs: 6_000 } })
  const worker = harness.startWorker()
  const gate = new Gate()
  worker.store.before('write', (call) => (call.nth === 1 ? gate.hold(call) : undefined))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('kept') })
  const signal = signalOf(await gate.reached)
  const work = await harness.sql('SELECT work_id, epoch FROM work_items')
  worker.catalog.before('leases.heartbeat', () => Promise.reject(AWAY))
  const handingBack = new Gate()
  worker.catalog.before('delivery.settle', handingBack.holdDeaf)
  const left = await new Promise((resolve) =>
    signal.addEventListener('abort', () =>
      resolve(harness.sql('SELECT work_id, epoch FROM work_items WHERE lease_expires_at > now()')),
    ),
  )
  expect(signal.reason).toMatchObject({ code: 'lease_lost' })
  expect(left).toEqual(work)
  worker.catalog.before('leases.heartbeat')
  handingBack.open()
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
})

test.each([
  { size: 5, write: 'write' },
  { size: LARGE, write: 'completeUpload' },
] as const)(
  'a worker that slept through its lease in $write does not overwrite what came after it',
  async ({ size, write }) => {
    await using harness = await Harness.open({ config: { leaseMs: 3_000 } })
    harness.startWorker({ delivers: false })
    const sleeper = harness.startWorker({ leads: false })
    const gate = new Gate()
    sleeper.store.before(write, gate.holdDeaf)
    sleeper.catalog.before('leases.heartbeat', new Gate().holdDeaf)
    const uploader = await harness.uploader()
    const old = await uploader.accept({ 'model.pt': randomBytes(size) })
    await gate.reached
    await harness.expireLeases()
    const newer = await uploader.accept({ 'model.pt': Buffer.from('the newer one') })
    harness.startWorker({ leads: false })
    expect(await uploader.ended(newer.jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
    gate.open()
    await until(async () => (await sleeper.metric('lading_ticket_seconds')) > 0, WITHIN)
    expect(await uploader.ended(old.jobId)).toMatchObject({ state: 'completed', files: { superseded: 1 } })
    expect((await uploader.bytesOf('model.pt'))?.toString()).toBe('the newer one')
    await harness.settled()
  },
)

test('what was stored is committed when Postgres comes back within the lease', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  worker.catalog.before('delivery.settle', ({ nth }) => (nth <= 3 ? Promise.reject(AWAY) : undefined))
  worker.catalog.before('delivery.begin', ({ nth }) => (nth <= 2 ? Promise.reject(AWAY) : undefined))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x'), b: Buffer.from('y') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 2 } })
  expect(worker.store.named('write')).toHaveLength(2)
  await harness.settled()
})

test('a commit whose answer was lost is not made twice', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  worker.catalog.after('delivery.settle', ({ nth }) => (nth === 1 ? Promise.reject(AWAY) : undefined))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x'), b: Buffer.from('y') })
  expect(await uploader.ended(jobId)).toMatchObject({
    state: 'completed',
    files: { total: 2, stored: 2 },
    bytes: { total: 2, done: 2 },
  })
  await harness.settled()
})

test('a ticket that could not be taken comes again', async () => {
  await using harness = await Harness.open()
  const worker = harness.startWorker()
  worker.catalog.before('leases.take', ({ nth }) => (nth === 1 ? Promise.reject(AWAY) : undefined))
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  const [work] = await harness.sql('SELECT attempts, expiries FROM work_items')
  expect(work).toEqual({ attempts: 1, expiries: 0 })
})
