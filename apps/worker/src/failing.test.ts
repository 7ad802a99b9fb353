import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { type ErrorCode, LadingError } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Harness, type TestWorker } from '../../../test/support/worker-harness.ts'

const RETRY = { attempts: 1_000, expiries: 20, maxAgeMs: 3_600_000, baseDelayMs: 20, maxDelayMs: 100 }
const WITHIN = { within: 30_000 }

function failPuts(worker: TestWorker, times: number, code: ErrorCode, detail = 'as the test wants it'): void {
  worker.store.before('write', ({ nth }) => {
    if (nth <= times) throw new LadingError(code, detail)
  })
}

test('an error that may pass is tried again after a pause that the catalog keeps', async () => {
  await using harness = await Harness.open({ config: { retry: RETRY } })
  const worker = harness.startWorker()
  failPuts(worker, 3, 'store_unavailable')
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
  const [work] = await harness.sql('SELECT attempts, expiries, last_error_code FROM work_items')
  expect(work).toEqual({ attempts: 4, expiries: 0, last_error_code: 'store_unavailable' })
  expect(await worker.metric('lading_failed_attempts_total', { code: 'store_unavailable' })).toBe(3)
  await harness.settled()
})

test('a pause outlasts the worker', async () => {
  await using harness = await Harness.open({
    config: { retry: { ...RETRY, baseDelayMs: 3_600_000, maxDelayMs: 3_600_000 } },
  })
  const worker = harness.startWorker()
  failPuts(worker, 1, 'store_unavailable')
  const uploader = await harness.uploader()
  await uploader.accept({ a: Buffer.from('x') })
  await until(() => worker.metric('lading_ticket_seconds'), WITHIN)
  await worker.stop()
  const [work] = await harness.sql(
    `SELECT state, attempts, available_at > now() + interval '20 minutes' AS later FROM work_items`,
  )
  expect(work).toEqual({ state: 'ready', attempts: 1, later: true })
})

test.each(['store_access_denied', 'store_bucket_missing', 'store_rejected'] as const)(
  '%s fails the file at once, with what the store said',
  async (code) => {
    await using harness = await Harness.open()
    const worker = harness.startWorker()
    failPuts(worker, 1, code, 'The bucket "b" says no.')
    const uploader = await harness.uploader()
    const { jobId } = await uploader.accept({ 'dir/a.txt': Buffer.from('x') })
    expect(await uploader.ended(jobId)).toMatchObject({
      state: 'failed',
      files: { failed: 1 },
      error: { code, detail: 'The bucket "b" says no.', path: 'dir/a.txt' },
    })
    await harness.settled()
  },
)

test('delivery is given up after as many attempts as the policy allows, and says so', async () => {
  await using harness = await Harness.open({ config: { retry: { ...RETRY, attempts: 3 } } })
  failPuts(harness.startWorker(), 100, 'store_unavailable', 'No answer within 30 s.')
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  expect(await uploader.ended(jobId)).toMatchObject({
    state: 'failed',
    error: { code: 'store_unavailable', detail: 'No answer within 30 s. (attempt 3, the last)' },
  })
  await harness.settled()
})

test('delivery is given up once it is too old', async () => {
  await using harness = await Harness.open({ config: { retry: { ...RETRY, maxAgeMs: 3_600_000 } } })
  failPuts(harness.startWorker(), 100, 'store_unavailable')
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  await harness.sql(`UPDATE work_items SET created_at = now() - interval '61 minutes'`)
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed', error: { code: 'store_unavailable' } })
})

test('a file at which worker after worker dies is given up', async () => {
  await using harness = await Harness.open({ config: { retry: { ...RETRY, expiries: 2 } } })
  harness.startWorker({ delivers: false })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  for (let death = 0; death < 2; death++) {
    const worker = harness.startWorker({ leads: false })
    worker.store.before('write', () => worker.cut())
    await worker.store.whenSevered
    await harness.expireLeases()
  }
  harness.startWorker({ leads: false })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed', error: { code: 'lease_lost' } })
  await harness.settled()
})

test('an exception that no one foresaw harms neither the worker nor the other files', async () => {
  await using harness = await Harness.open({ config: { retry: { ...RETRY, attempts: 2 } } })
  const worker = harness.startWorker()
  worker.store.before('write', ({ args }) => {
    const [{ key }] = args as [{ key: string }]
    if (key.endsWith('/cursed')) throw new TypeError('x is not a function')
    if (key.endsWith('/odd')) throw new LadingError('store_rejected', 'it said \0')
  })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ cursed: Buffer.from('x'), fine: Buffer.from('y') })
  expect(await uploader.ended(jobId)).toMatchObject({
    state: 'failed',
    files: { stored: 1, failed: 1 },
    error: {
      code: 'internal',
      path: 'cursed',
      detail: 'the worker failed; its log has the cause under the id of the job (attempt 2, the last)',
    },
  })
  const odd = await uploader.accept({ odd: Buffer.from('z') })
  expect(await uploader.ended(odd.jobId)).toMatchObject({ error: { detail: 'it said \ufffd' } })
  const next = await uploader.accept({ next: Buffer.from('z') })
  expect(await uploader.ended(next.jobId)).toMatchObject({ state: 'completed' })
  await harness.settled()
})

test('one damaged file of fifty fails, by name; the others arrive, and after a repair a retry delivers only that', async () => {
  await using harness = await Harness.open()
  const uploader = await harness.uploader()
  const files = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f/${i}`, randomBytes(1_000)]))
  const { jobId } = await uploader.accept(files)
  await flipByte(uploader, jobId, 'f/17')
  const worker = harness.startWorker()
  expect(await uploader.ended(jobId)).toMatchObject({
    state: 'failed',
    files: { stored: 49, failed: 1 },
    error: { code: 'spool_damaged', path: 'f/17' },
  })
  await harness.settled()
  expect(await uploader.artifact('f/17')).toBeUndefined()
  await flipByte(uploader, jobId, 'f/17')
  const putsBefore = worker.store.named('write').length
  await harness.catalog.api.jobs.retry(uploader.tenant, jobId)
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 50, failed: 0 } })
  expect(worker.store.named('write').length - putsBefore).toBe(1)
  expect((await uploader.bytesOf('f/17'))?.equals(files['f/17'] ?? Buffer.alloc(0))).toBe(true)
  await harness.settled()
})

test('a damaged pack does not become an object of the directory that it could be', async () => {
  await using harness = await Harness.open({ store: 'directory' })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ large: randomBytes(17 * 1024 * 1024) }, { isWholePack: true })
  await flipByte(uploader, jobId, 'large', 5)
  harness.startWorker()
  expect(await uploader.ended(jobId)).toMatchObject({
    state: 'failed',
    error: { code: 'spool_damaged', path: 'large' },
  })
  await harness.settled()
  expect(await uploader.artifact('large')).toBeUndefined()
})

test('a damaged block of a large file fails it, its upload is aborted, and nothing of it is stored', async () => {
  await using harness = await Harness.open({ store: 's3' })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ large: randomBytes(17 * 1024 * 1024) })
  await flipByte(uploader, jobId, 'large', 16 * 1024 * 1024 + 5)
  harness.startWorker()
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'failed', error: { code: 'spool_damaged' } })
  await harness.settled()
})

test('a pack that is gone, or cut short, fails its files with that reason', async () => {
  await using harness = await Harness.open()
  const uploader = await harness.uploader()
  const gone = await uploader.accept({ a: Buffer.from('abc') })
  const cut = await uploader.accept({ b: Buffer.from('abc') })
  const [inGone, inCut] = [await uploader.slice(gone.jobId, 'a'), await uploader.slice(cut.jobId, 'b')]
  await harness.spool.remove(inGone.packFile.slice(-36))
  const file = await open(inCut.packFile, 'r+')
  await file.truncate(1)
  await file.close()
  harness.startWorker()
  expect(await uploader.ended(gone.jobId)).toMatchObject({ state: 'failed', error: { code: 'spool_lost' } })
  expect(await uploader.ended(cut.jobId)).toMatchObject({ state: 'failed', error: { code: 'spool_damaged' } })
})

async function flipByte(
  uploader: Awaited<ReturnType<Harness['uploader']>>,
  jobId: string,
  path: string,
  at = 10,
): Promise<void> {
  const { packFile, offset } = await uploader.slice(jobId, path)
  const file = await open(packFile, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, offset + at)
  byte[0] = (byte[0] ?? 0) ^ 1
  await file.write(byte, 0, 1, offset + at)
  await file.close()
}
