import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import {
  failed,
  fileIds,
  Harbour,
  LEASE_MS,
  onlyFile,
  openMigrated,
  SILENT,
  stored,
} from './fixtures/harbour.ts'
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

/** An older and a newer file for one path, each taken by a worker of its own. */
async function twoForOnePath() {
  const harbour = await Harbour.open(catalog)
  const olderJob = await harbour.accept(['model.pkl'])
  const older = await harbour.takeOne('older')
  const begun = await harbour.begin(older)
  const newerJob = await harbour.accept(['model.pkl'])
  const newer = await harbour.takeOne('newer')
  return { harbour, older, newer, begun, olderJob, newerJob }
}

test('a file for whose path a newer one was accepted may not be written', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a', 'b'])
  await harbour.accept(['b'])
  const [older, newer] = await harbour.take()
  if (!older || !newer) throw new Error('two work items were due')
  expect(await harbour.begin(older)).toEqual([
    { fileId: older.files[0]?.fileId, verdict: 'go', object: expect.anything(), replaces: undefined },
    { fileId: older.files[1]?.fileId, verdict: 'superseded' },
  ])
  expect(await harbour.begin(newer)).toEqual([
    { fileId: onlyFile(newer).fileId, verdict: 'go', object: expect.anything(), replaces: undefined },
  ])
})

test('beginning is safe to repeat', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a', 'b'])
  const work = await harbour.takeOne()
  const once = await harbour.begin(work)
  expect(await harbour.begin(work)).toEqual(once)
  await harbour.settle(work, stored(work).slice(0, 1))
  expect(await harbour.begin(work)).toEqual(once.slice(1))
})

test('while a worker writes the older file, the newer one waits; once that has stepped back, it goes', async () => {
  const { harbour, older, newer, begun, olderJob, newerJob } = await twoForOnePath()
  expect(begun).toMatchObject([{ verdict: 'go' }])
  const { fileId } = onlyFile(newer)
  expect(await harbour.begin(newer)).toEqual([{ fileId, verdict: 'wait' }])
  expect(await harbour.begin(older)).toEqual([{ fileId: onlyFile(older).fileId, verdict: 'superseded' }])
  await harbour.settle(older, [{ fileId: onlyFile(older).fileId, state: 'superseded' }])
  expect(await harbour.begin(newer)).toEqual([
    { fileId, verdict: 'go', object: expect.anything(), replaces: undefined },
  ])
  await harbour.settle(newer, stored(newer, 'newer'))
  expect(await harbour.job(olderJob.jobId)).toMatchObject({ state: 'completed', files: { superseded: 1 } })
  expect(await harbour.job(newerJob.jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
})

test('an older file that was written before its worker heard of the newer one is replaced by it', async () => {
  const { harbour, older, newer } = await twoForOnePath()
  await harbour.settle(older, stored(older, 'older'))
  expect(await harbour.begin(newer)).toMatchObject([{ verdict: 'go', replaces: { etag: 'older' } }])
  const path = onlyFile(newer).path as never
  expect(await catalog.api.artifacts.get(harbour.run, path)).toMatchObject({
    etag: 'older',
    state: 'replacing',
  })
  await harbour.settle(newer, stored(newer, 'newer'))
  expect(await catalog.api.artifacts.get(harbour.run, path)).toMatchObject({ etag: 'newer', state: 'stored' })
  expect((await catalog.api.artifacts.listDeep(harbour.run, '', PAGE)).items).toHaveLength(1)
})

test('what a dead writer left is named, settled once, and then the newer file goes', async () => {
  const { harbour, older, newer, olderJob } = await twoForOnePath()
  const { fileId, object } = onlyFile(older)
  const { ledger, leases, delivery } = catalog.delivery
  await ledger.intend({ fileId, jobId: olderJob.jobId, object, partSize: 8 })
  const clear = (left: object) => ({
    fileId: onlyFile(newer).fileId,
    verdict: 'clear',
    leftBy: { fileId, object, ...left },
  })
  await leases.handBack(older.ticket, { delayMs: 60_000, burn: true })
  expect(await harbour.begin(newer)).toEqual([clear({ begun: true, uploadId: undefined })])
  await ledger.began(fileId, 'upload 1')
  expect(await harbour.begin(newer)).toEqual([clear({ begun: true, uploadId: 'upload 1' })])
  await delivery.settleLeft(fileId)
  await delivery.settleLeft(fileId)
  expect(await harbour.job(olderJob.jobId)).toMatchObject({ state: 'completed', files: { superseded: 1 } })
  expect(await harbour.begin(newer)).toMatchObject([{ verdict: 'go' }])
})

test('a writer is dead when its lease was taken away, not when a clock says that it might be', async () => {
  const { harbour, older, newer } = await twoForOnePath()
  await catalog.delivery.leases.heartbeat([older.ticket], -1)
  expect(await harbour.begin(newer)).toMatchObject([{ verdict: 'wait' }])
  await catalog.delivery.backlog.expire()
  expect(await harbour.begin(newer)).toMatchObject([{ verdict: 'clear', leftBy: { begun: false } }])
})

test('a file that a worker has taken again is not settled behind its back', async () => {
  const { harbour, older, newer, olderJob } = await twoForOnePath()
  const { delivery, leases } = catalog.delivery
  await leases.handBack(older.ticket, { delayMs: 0, burn: true })
  expect(await harbour.begin(newer)).toMatchObject([{ verdict: 'clear' }])
  const again = await harbour.takeOne('successor')
  await delivery.settleLeft(onlyFile(older).fileId)
  expect(await harbour.job(olderJob.jobId)).toMatchObject({ files: { superseded: 0 } })
  expect(await harbour.begin(newer)).toMatchObject([{ verdict: 'wait' }])
  expect(await harbour.begin(again)).toMatchObject([{ verdict: 'superseded' }])
})

test('the newest file of a path is never settled as left behind', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await catalog.delivery.leases.handBack(work.ticket, { delayMs: 0, burn: true })
  await catalog.delivery.delivery.settleLeft(onlyFile(work).fileId)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'running', files: { superseded: 0 } })
})

test('work whose every file was settled from elsewhere is finished by settling nothing', async () => {
  const { harbour, older, newer } = await twoForOnePath()
  await catalog.delivery.leases.handBack(older.ticket, { delayMs: 0, burn: true })
  await harbour.begin(newer)
  await catalog.delivery.delivery.settleLeft(onlyFile(older).fileId)
  await harbour.begin(newer)
  await harbour.settle(newer, stored(newer))
  const empty = await harbour.takeOne()
  expect(empty.files).toEqual([])
  const [pack] = await db.query<{ packId: string }>(
    'SELECT pack_id FROM work_items WHERE work_id = :workId',
    {
      ...empty.ticket,
    },
  )
  expect(await harbour.settle(empty, [])).toEqual({ moved: 0, freePacks: [pack?.packId] })
  expect(await harbour.take()).toEqual([])
  expect(await catalog.delivery.backlog.held(harbour.spoolId)).toEqual(new Map())
})

test('a path that was deleted is written anew over the object that is still to be deleted, and that is kept', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  await catalog.api.artifacts.delete(harbour.run, 'a' as never)
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  expect(await harbour.begin(work)).toMatchObject([{ verdict: 'go', replaces: { etag: 'etag' } }])
  expect(await deletions(harbour)).toEqual([])
  await harbour.settle(work, stored(work, 'again'))
  expect(await deletions(harbour)).toEqual([])
  expect(await catalog.api.artifacts.get(harbour.run, 'a' as never)).toMatchObject({
    etag: 'again',
    state: 'stored',
  })
})

test('a path whose object is being deleted waits until that has ended', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  await catalog.api.artifacts.delete(harbour.run, 'a' as never)
  const [deletion] = await deletions(harbour)
  if (!deletion) throw new Error('nothing is to be deleted')
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  expect(await harbour.begin(work)).toEqual([{ fileId: onlyFile(work).fileId, verdict: 'wait' }])
  await catalog.delivery.sweeps.deletionDone(deletion)
  expect(await harbour.begin(work)).toMatchObject([
    { verdict: 'go', object: expect.anything(), replaces: undefined },
  ])
})

test('deleting while a newer file is written deletes the older artifact only', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  expect(await catalog.api.artifacts.delete(harbour.run, 'a' as never)).toBe(true)
  expect(await catalog.api.artifacts.delete(harbour.run, 'a' as never)).toBe(false)
  expect(await deletions(harbour)).toEqual([])
  await harbour.settle(work, stored(work, 'newer'))
  expect(await deletions(harbour)).toEqual([])
  expect(await catalog.api.artifacts.get(harbour.run, 'a' as never)).toMatchObject({ etag: 'newer' })
})

test('deleting while a newer file is written still deletes when that file fails', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await catalog.api.artifacts.delete(harbour.run, 'a' as never)
  await harbour.settle(work, failed(work))
  expect(await deletions(harbour)).toMatchObject([{ path: 'a', onlyIf: { etag: 'etag' }, attempts: 1 }])
})

test('a deletion that another’s commit overtook is dropped, and the newer object with the same bytes is kept', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  const { runId } = harbour.run
  // As if it had been inserted by a transaction that the commit of the newer file could not see.
  await db.query(
    `INSERT INTO deletions (run_id, path, bucket, key, etag)
     SELECT run_id, path, bucket, key, etag FROM artifacts WHERE run_id = :runId`,
    { runId },
  )
  expect(await deletions(harbour)).toEqual([])
  expect(await db.query('SELECT 1 FROM deletions WHERE run_id = :runId', { runId })).toEqual([])
  expect(await catalog.api.artifacts.get(harbour.run, 'a' as never)).toMatchObject({ etag: 'etag' })
})

/** Takes what is due for deletion, and gives what is the harbour's. */
async function deletions(harbour: Harbour) {
  const due = await catalog.delivery.sweeps.takeDeletions(1_000, LEASE_MS)
  return due.filter(({ runId }) => runId === harbour.run.runId)
}

test('many files begin at once, whoever else begins, settles and accepts the same paths', async () => {
  const harbour = await Harbour.open(catalog)
  const paths = Array.from({ length: 30 }, (_, n) => `p/${n}`)
  await harbour.accept(paths)
  await harbour.accept([...paths].reverse())
  const [older, newer] = await harbour.take()
  if (!older || !newer) throw new Error('two work items were due')
  const [a, b] = await Promise.all([
    catalog.delivery.delivery.begin(older.ticket, fileIds(older)),
    catalog.delivery.delivery.begin(newer.ticket, fileIds(newer).reverse()),
    harbour.accept(paths.slice(0, 10)),
  ])
  const counts = (all: typeof a) => Map.groupBy(all, ({ verdict }) => verdict)
  expect(counts(a).get('superseded')).toHaveLength(30)
  expect((counts(b).get('go')?.length ?? 0) + (counts(b).get('superseded')?.length ?? 0)).toBe(30)
})
