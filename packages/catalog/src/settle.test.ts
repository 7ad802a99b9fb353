import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import type { Outcome } from './delivery-catalog.ts'
import { failed, Harbour, openMigrated, SILENT, stored } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog
let db: Database

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 2, timeoutMs: 10_000, log: SILENT })
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

const PAGE = { limit: 100, cursor: undefined }

async function stateOfWork(workId: string): Promise<string | undefined> {
  const [row] = await db.query<{ state: string }>('SELECT state FROM work_items WHERE work_id = :workId', {
    workId,
  })
  return row?.state
}

test('settling twice counts once', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b', 'c'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  const some = stored(work).slice(0, 2)
  const both = await Promise.all([harbour.settle(work, some), harbour.settle(work, some)])
  expect(both.map(({ moved }) => moved).sort()).toEqual([0, 2])
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'running',
    files: { stored: 2 },
    bytes: { done: 20 },
  })
  expect(await harbour.settle(work, stored(work))).toMatchObject({ moved: 1 })
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'completed',
    files: { stored: 3 },
    bytes: { done: 30 },
  })
})

test('each file ends as it came out: stored ones are artifacts, the first error is the job’s', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b', 'c', 'd'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  const [a, b, c, d] = work.files.map(({ fileId }) => fileId)
  if (!a || !b || !c || !d) throw new Error('the work has four files')
  const fail = (fileId: string, detail: string): Outcome => {
    return { fileId, state: 'failed', code: 'spool_damaged', detail }
  }
  const [storedA] = stored(work) as [Outcome]
  const outcomes: Outcome[] = [
    fail(c, 'third'),
    fail(b, 'second'),
    { fileId: d, state: 'superseded' },
    storedA,
  ]
  expect(await harbour.settle(work, outcomes)).toEqual({ moved: 4, freePacks: [] })
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'failed',
    files: { total: 4, stored: 1, failed: 2, superseded: 1, cancelled: 0 },
    bytes: { total: 40, done: 20 },
    error: { code: 'spool_damaged', detail: 'second', path: 'b' },
    endedAt: expect.any(Date),
  })
  expect((await catalog.api.artifacts.listDeep(harbour.run, '', PAGE)).items).toMatchObject([
    { path: 'a', jobId, sha256: work.files[0]?.sha256, crc32: work.files[0]?.crc32, size: 10, etag: 'etag' },
  ])
  expect((await catalog.api.jobs.files(harbour.tenant, jobId, {}, PAGE)).items).toMatchObject([
    { path: 'a', state: 'stored', error: undefined, endedAt: expect.any(Date) },
    { path: 'b', state: 'failed', error: { code: 'spool_damaged', detail: 'second' } },
    { path: 'c', state: 'failed', error: { code: 'spool_damaged', detail: 'third' } },
    { path: 'd', state: 'superseded', error: { code: 'superseded', detail: '' } },
  ])
  expect(await stateOfWork(work.ticket.workId)).toBe('dead')
})

test('the first error stays the job’s when others follow', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await harbour.settle(work, failed(work, 'first').slice(1))
  await harbour.settle(work, failed(work, 'second').slice(0, 1))
  expect(await harbour.job(jobId)).toMatchObject({ error: { detail: 'first', path: 'b' } })
})

test('work with a failed file is dead, also when the failure was settled before the rest', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a', 'b'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await harbour.settle(work, failed(work).slice(0, 1))
  expect(await stateOfWork(work.ticket.workId)).toBe('leased')
  await harbour.settle(work, stored(work).slice(1))
  expect(await stateOfWork(work.ticket.workId)).toBe('dead')
})

test('a job whose files were all superseded is completed, without ever having run', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.accept(['a'])
  await harbour.begin(work)
  const outcomes = work.files.map(({ fileId }): Outcome => ({ fileId, state: 'superseded' }))
  await harbour.settle(work, outcomes)
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'completed',
    startedAt: undefined,
    files: { superseded: 1 },
    bytes: { total: 10, done: 10 },
    error: undefined,
  })
})

test('a job of several work items ends with the last of them', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(Array.from({ length: 120 }, (_, n) => `${n}`))
  const [first, ...rest] = await harbour.take()
  await Promise.all(rest.map((work) => harbour.deliver(work)))
  expect(await harbour.job(jobId)).toMatchObject({ state: 'running', endedAt: undefined })
  if (first) await harbour.deliver(first)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', files: { stored: 120 } })
})

test('a pack is free when every work item of it is done, and not while a file of it has failed', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(Array.from({ length: 60 }, (_, n) => `${n}`))
  const [one, two] = await harbour.take()
  if (!one || !two) throw new Error('two work items were due')
  const packId = one.files[0]?.packId
  await harbour.begin(one)
  await harbour.begin(two)
  expect(await harbour.settle(one, stored(one).slice(1))).toMatchObject({ freePacks: [] })
  expect(await harbour.settle(two, stored(two))).toMatchObject({ freePacks: [] })
  expect(await harbour.settle(one, failed(one).slice(0, 1))).toMatchObject({ moved: 1, freePacks: [] })
  await catalog.api.jobs.retry(harbour.tenant, jobId)
  const again = await harbour.takeOne()
  expect(again.files).toHaveLength(1)
  expect(await harbour.deliver(again)).toEqual({ moved: 1, freePacks: [packId] })
})

test('a file that nobody asked for cannot be settled as stored', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  expect(await harbour.settle(work, stored(work))).toMatchObject({ moved: 0 })
  expect(await harbour.job(jobId)).toMatchObject({ state: 'queued', files: { stored: 0 } })
  expect(await harbour.settle(work, failed(work))).toMatchObject({ moved: 1 })
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed' })
})
