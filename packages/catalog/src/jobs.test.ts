import { newId, type TenantId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { failed, fileIds, Harbour, LEASE_MS, onlyFile, openMigrated, stored } from './fixtures/harbour.ts'
import type { JobFile } from './model.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog

beforeAll(async () => {
  catalog = await openMigrated(await freshDatabase())
})

afterAll(() => catalog.close())

const PAGE = { limit: 100, cursor: undefined }

async function statesOf({ tenant }: Harbour, jobId: string): Promise<Record<string, string>> {
  const { items } = await catalog.api.jobs.files(tenant, jobId, {}, PAGE)
  return Object.fromEntries(items.map(({ path, state }) => [path, state]))
}

test('cancelling ends at once what no worker holds', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b'])
  const [candidate] = await catalog.delivery.backlog.candidates(harbour.spoolId, 1)
  const [ticket] = await catalog.delivery.backlog.lease([candidate?.workId ?? ''], LEASE_MS)
  const job = await catalog.api.jobs.cancel(harbour.tenant, jobId)
  expect(job).toMatchObject({
    state: 'cancelled',
    cancelRequested: true,
    files: { total: 2, cancelled: 2 },
    endedAt: expect.any(Date),
  })
  expect(await catalog.api.jobs.cancel(harbour.tenant, jobId)).toEqual(job)
  if (ticket) expect(await catalog.delivery.leases.take(ticket, 'late', LEASE_MS)).toBeUndefined()
  expect(await harbour.take()).toEqual([])
})

test('what a worker holds is cancelled when its worker settles it, and what it had stored stays', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(Array.from({ length: 60 }, (_, n) => `${n}`))
  const work = (await harbour.take(1))[0] ?? (await harbour.takeOne())
  await harbour.begin(work)
  expect(await catalog.api.jobs.cancel(harbour.tenant, jobId)).toMatchObject({
    state: 'running',
    cancelRequested: true,
    files: { cancelled: 10 },
    endedAt: undefined,
  })
  const [first, ...rest] = fileIds(work)
  await harbour.settle(work, [
    ...stored(work).filter(({ fileId }) => fileId === first),
    ...rest.map((fileId) => ({ fileId, state: 'cancelled' as const })),
  ])
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'cancelled',
    files: { stored: 1, cancelled: 59 },
    bytes: { total: 600, done: 10 },
  })
})

test('a worker that takes work of a job that is being cancelled is told so', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  await catalog.delivery.leases.handBack(work.ticket, { delayMs: 0, burn: false })
  expect(await harbour.takeOne()).toMatchObject({ cancelRequested: true })
})

test('cancelling again ends what was handed back in the meantime', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  await catalog.delivery.leases.handBack(work.ticket, { delayMs: 0, burn: false })
  expect(await catalog.api.jobs.cancel(harbour.tenant, jobId)).toMatchObject({ state: 'cancelled' })
})

test('a job that all went well with before its worker heard of the cancellation is completed', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  await harbour.deliver(work)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', cancelRequested: true })
})

test('a job that has ended cannot be cancelled, and one that has not failed cannot be retried', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.store(['a'])
  const { jobs } = catalog.api
  const conflict = { code: 'job_state_conflict' }
  await expect(jobs.cancel(harbour.tenant, jobId)).rejects.toMatchObject(conflict)
  await expect(jobs.retry(harbour.tenant, jobId)).rejects.toMatchObject(conflict)
  const queued = await harbour.accept(['b'])
  await expect(jobs.retry(harbour.tenant, queued.jobId)).rejects.toMatchObject(conflict)
  await jobs.cancel(harbour.tenant, queued.jobId)
  await expect(jobs.retry(harbour.tenant, queued.jobId)).rejects.toMatchObject(conflict)
  expect(await jobs.cancel(harbour.tenant, newId())).toBeUndefined()
  expect(await jobs.retry(harbour.tenant, newId())).toBeUndefined()
})

test('retrying queues the failed files, and only those', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(Array.from({ length: 51 }, (_, n) => `f${n}`))
  const works = await harbour.take()
  for (const work of works) {
    await harbour.begin(work)
    await harbour.settle(work, [...failed(work).slice(0, 1), ...stored(work).slice(1)])
  }
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed', files: { stored: 49, failed: 2 } })
  const job = await catalog.api.jobs.retry(harbour.tenant, jobId)
  expect(job).toMatchObject({
    state: 'queued',
    files: { total: 51, stored: 49, failed: 0 },
    error: undefined,
    endedAt: undefined,
    bytes: { done: 490 },
  })
  const again = await harbour.take()
  expect(again.flatMap(({ files }) => files.map(({ path }) => path)).sort()).toEqual(['f0', 'f50'])
  expect(again.map(({ attempts, expiries }) => ({ attempts, expiries }))).toEqual([
    { attempts: 1, expiries: 0 },
    { attempts: 1, expiries: 0 },
  ])
  for (const work of again) await harbour.deliver(work)
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'completed',
    files: { stored: 51 },
    bytes: { done: 510 },
  })
})

test('a cancellation that came too late does not cancel a retry', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  await harbour.settle(work, failed(work))
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed', cancelRequested: true })
  expect(await catalog.api.jobs.retry(harbour.tenant, jobId)).toMatchObject({ cancelRequested: false })
  expect(await harbour.takeOne()).toMatchObject({ cancelRequested: false })
})

test('a retry yields to a newer file of the same path', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  await harbour.fail()
  await harbour.store(['a'])
  await catalog.api.jobs.retry(harbour.tenant, jobId)
  const work = await harbour.takeOne()
  expect(await harbour.begin(work)).toMatchObject([{ verdict: 'superseded' }])
})

test('a retry takes back work that a worker holds with no file left to deliver', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b'])
  const first = await harbour.takeOne()
  await harbour.begin(first)
  await harbour.settle(first, failed(first).slice(0, 1))
  await harbour.accept(['b'])
  await catalog.delivery.leases.handBack(first.ticket, { delayMs: 60_000, burn: true })
  const newer = await harbour.takeOne()
  expect(await harbour.begin(newer)).toMatchObject([{ verdict: 'clear' }])
  await catalog.delivery.delivery.settleLeft(first.files[1]?.fileId ?? '')
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed' })
  await catalog.api.jobs.retry(harbour.tenant, jobId)
  const again = await harbour.takeOne()
  expect(onlyFile(again).path).toBe('a')
  await harbour.deliver(again)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', files: { stored: 1, superseded: 1 } })
})

test('retrying is refused when the bytes are no longer kept', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  await harbour.fail()
  expect(await catalog.delivery.packs.expired(harbour.spoolId, -1, 10)).toHaveLength(1)
  await expect(catalog.api.jobs.retry(harbour.tenant, jobId)).rejects.toMatchObject({ code: 'spool_lost' })
  expect(await statesOf(harbour, jobId)).toEqual({ a: 'failed' })
})

test('jobs are listed newest first, page by page, by run and by state', async () => {
  const harbour = await Harbour.open(catalog)
  const other = await Harbour.open(catalog, harbour.tenant)
  const accepted: string[] = []
  for (let n = 0; n < 5; n++) accepted.push((await harbour.accept([`${n}`])).jobId)
  const elsewhere = await other.accept(['x'])
  await catalog.api.jobs.cancel(harbour.tenant, accepted[3] ?? '')
  const all = [...accepted, elsewhere.jobId].reverse()
  const list = async (filter: object, limit: number) => {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await catalog.api.jobs.list(harbour.tenant, filter, { limit, cursor })
      expect(page.items.length).toBeLessThanOrEqual(limit)
      ids.push(...page.items.map(({ jobId }) => jobId))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return ids
  }
  for (const limit of [1, 2, 5, 6, 100]) expect(await list({}, limit)).toEqual(all)
  expect(await list({ runId: harbour.run.runId }, 2)).toEqual([...accepted].reverse())
  expect(await list({ state: 'cancelled' }, 2)).toEqual([accepted[3]])
  expect(await list({ state: 'failed' }, 2)).toEqual([])
  expect(await list({ runId: harbour.run.runId, state: 'queued' }, 1)).toHaveLength(4)
})

test('the files of a job are listed page by page, and by state', async () => {
  const harbour = await Harbour.open(catalog)
  const paths = Array.from({ length: 7 }, (_, n) => `${n}`)
  const { jobId } = await harbour.accept(paths)
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await harbour.settle(work, [...stored(work).slice(0, 3), ...failed(work).slice(3, 5)])
  const list = async (filter: { state?: JobFile['state'] }, limit: number) => {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await catalog.api.jobs.files(harbour.tenant, jobId, filter, { limit, cursor })
      seen.push(...page.items.map(({ path }) => path))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return seen
  }
  for (const limit of [1, 3, 7, 8]) expect(await list({}, limit)).toEqual(paths)
  expect(await list({ state: 'stored' }, 2)).toEqual(['0', '1', '2'])
  expect(await list({ state: 'failed' }, 2)).toEqual(['3', '4'])
  expect(await list({ state: 'uploading' }, 2)).toEqual(['5', '6'])
})

test('a cursor that no page gave is refused', async () => {
  const harbour = await Harbour.open(catalog)
  for (const text of ['', 'x', '------------------------------------', newId().toUpperCase(), '\0']) {
    const page = { limit: 10, cursor: Buffer.from(text).toString('base64url') }
    const refused = { code: 'validation_failed' }
    await expect(catalog.api.jobs.list(harbour.tenant, {}, page)).rejects.toMatchObject(refused)
    await expect(catalog.api.jobs.files(harbour.tenant, newId(), {}, page)).rejects.toMatchObject(refused)
  }
})

test('many jobs are asked for at once, and come in the order asked for; those of others do not', async () => {
  const [mine, theirs] = [await Harbour.open(catalog), await Harbour.open(catalog)]
  const ids = [await mine.accept(['a']), await mine.accept(['b']), await mine.accept(['c'])].map(
    (j) => j.jobId,
  )
  const foreign = await theirs.accept(['a'])
  const [a, b, c] = ids as [string, string, string]
  const { jobs } = catalog.api
  const got = await jobs.getMany(mine.tenant, [c, newId(), a, foreign.jobId, b])
  expect(got.map(({ jobId }) => jobId)).toEqual([c, a, b])
  expect(await jobs.getMany(mine.tenant, [])).toEqual([])
  expect((await jobs.peek([a, foreign.jobId])).map(({ jobId }) => jobId).sort()).toEqual(
    [a, foreign.jobId].sort(),
  )
  expect(await jobs.peek([])).toEqual([])
})

test('a job of another tenant is as if it were not there', async () => {
  const [mine, theirs] = [await Harbour.open(catalog), await Harbour.open(catalog)]
  const { jobId } = await theirs.accept(['a'])
  const { jobs } = catalog.api
  expect(await jobs.get(mine.tenant, jobId)).toBeUndefined()
  expect(await jobs.cancel(mine.tenant, jobId)).toBeUndefined()
  expect(await jobs.retry(mine.tenant, jobId)).toBeUndefined()
  const { runId } = theirs.run
  expect((await jobs.list(mine.tenant, { runId }, PAGE)).items).toEqual([])
  expect(await jobs.get(`${theirs.tenant} ` as TenantId, jobId)).toBeUndefined()
  expect(await theirs.job(jobId)).toMatchObject({ state: 'queued', cancelRequested: false })
})

test('parts of a file that is on its way count towards the job’s bytes, once', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b'], 100)
  const work = await harbour.takeOne()
  await harbour.begin(work)
  const { ledger } = catalog.delivery
  for (const { fileId, object } of work.files) {
    await ledger.intend({ fileId, jobId, object, partSize: 40 })
    await ledger.began(fileId, `upload of ${fileId}`)
    const parts = [1, 2].map((partNumber) => ({ partNumber, etag: 'e', size: 40, crc32: undefined }))
    await ledger.parts(fileId, `upload of ${fileId}`, parts)
    await ledger.parts(fileId, `upload of ${fileId}`, parts)
  }
  expect((await harbour.job(jobId)).bytes).toEqual({ total: 200, done: 160 })
  await harbour.settle(work, [{ fileId: onlyFirst(work), state: 'superseded' }])
  expect((await harbour.job(jobId)).bytes).toEqual({ total: 200, done: 180 })
  await harbour.settle(work, stored(work))
  expect((await harbour.job(jobId)).bytes).toEqual({ total: 200, done: 200 })
})

function onlyFirst(work: Parameters<typeof fileIds>[0]): string {
  return fileIds(work)[0] ?? ''
}
