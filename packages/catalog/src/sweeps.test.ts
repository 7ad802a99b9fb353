import { newId } from '@lading/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import { failed, Harbour, LEASE_MS, onlyFile, openMigrated, SILENT, stored } from './fixtures/harbour.ts'
import { othersWaitFor } from './fixtures/locks.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog
let db: Database
let harbour: Harbour

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 2, timeoutMs: 10_000, log: SILENT })
})

beforeEach(async () => {
  await db.query('TRUNCATE uploads, upload_parts, deletions')
  harbour = await Harbour.open(catalog)
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

/** A file that is being uploaded in parts. */
async function uploading(path = 'a') {
  const { jobId } = await harbour.accept([path])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  const { fileId, object } = onlyFile(work)
  const { ledger } = catalog.delivery
  await ledger.intend({ fileId, jobId, object, partSize: 8 })
  return { jobId, work, fileId, object, ledger }
}

const part = (partNumber: number) => ({ partNumber, etag: `e${partNumber}`, size: 8, crc32: undefined })

test('the ledger keeps the part size of the first intention, and the id of the first upload', async () => {
  const { jobId, work, fileId, object, ledger } = await uploading()
  await ledger.intend({ fileId, jobId, object, partSize: 99 })
  expect(await ledger.knownUploadIds(object)).toEqual(new Set())
  await ledger.began(fileId, 'one')
  await ledger.began(fileId, 'one')
  await expect(ledger.began(fileId, 'two')).rejects.toMatchObject({ code: 'lease_lost' })
  expect(await ledger.knownUploadIds(object)).toEqual(new Set(['one']))
  await catalog.delivery.leases.handBack(work.ticket, { delayMs: 0, burn: false })
  expect(onlyFile(await harbour.takeOne()).upload).toEqual({ uploadId: 'one', partSize: 8 })
})

test('parts of an upload that was replaced are not recorded, and forgetting it keeps the intention', async () => {
  const { jobId, fileId, object, ledger } = await uploading()
  await ledger.began(fileId, 'one')
  await ledger.parts(fileId, 'one', [part(1), part(2)])
  await ledger.parts(fileId, 'two', [part(3)])
  await ledger.parts(fileId, 'one', [])
  expect((await harbour.job(jobId)).bytes.done).toBe(10)
  await ledger.forget(fileId)
  expect((await harbour.job(jobId)).bytes.done).toBe(0)
  await ledger.parts(fileId, 'one', [part(1)])
  expect(await ledger.knownUploadIds(object)).toEqual(new Set())
  await ledger.began(fileId, 'two')
  expect(await ledger.knownUploadIds(object)).toEqual(new Set(['two']))
})

test('a stored file leaves nothing in the ledger, and nothing can be begun for it any more', async () => {
  const { work, fileId, ledger } = await uploading()
  await ledger.began(fileId, 'one')
  await ledger.parts(fileId, 'one', [part(1)])
  await harbour.settle(work, stored(work))
  expect(await db.query('SELECT 1 FROM uploads UNION ALL SELECT 1 FROM upload_parts')).toEqual([])
  await expect(ledger.began(fileId, 'late')).rejects.toMatchObject({ code: 'lease_lost' })
})

test('uploads of files that will not be delivered are stranded until they are dropped', async () => {
  const { sweeps } = catalog.delivery
  const { work, fileId, object, ledger } = await uploading()
  await ledger.began(fileId, 'one')
  expect(await sweeps.strandedUploads(10)).toEqual([])
  await sweeps.dropUpload(fileId)
  await harbour.settle(work, failed(work))
  expect(await sweeps.strandedUploads(10)).toEqual([{ fileId, object, begun: true, uploadId: 'one' }])
  await sweeps.dropUpload(fileId)
  expect(await sweeps.strandedUploads(10)).toEqual([])
})

test('an upload of unknown id is not looked for while the key has another writer', async () => {
  const { sweeps } = catalog.delivery
  const { work } = await uploading()
  await harbour.settle(work, failed(work))
  expect(await sweeps.strandedUploads(10)).toMatchObject([{ uploadId: undefined }])
  await harbour.accept(['a'])
  const newer = await harbour.takeOne()
  await harbour.begin(newer)
  expect(await sweeps.strandedUploads(10)).toEqual([])
  await harbour.settle(newer, stored(newer))
  expect(await sweeps.strandedUploads(10)).toHaveLength(1)
})

test('an artifact is in doubt when its replacement was given up, and stays or goes by what is proven', async () => {
  const { sweeps } = catalog.delivery
  for (const stillTrue of [true, false]) {
    await harbour.store(['a'])
    await harbour.accept(['a'])
    const work = await harbour.takeOne()
    await harbour.begin(work)
    expect(await mine(sweeps.doubtfulArtifacts(100))).toEqual([])
    await harbour.settle(work, failed(work))
    const [doubt] = await mine(sweeps.doubtfulArtifacts(100))
    expect(doubt).toMatchObject({ path: 'a', etag: 'etag', state: 'replacing' })
    if (doubt) await sweeps.resolveDoubt(doubt, stillTrue)
    if (doubt) await sweeps.resolveDoubt(doubt, !stillTrue)
    const artifact = await catalog.api.artifacts.get(harbour.run, 'a' as never)
    if (stillTrue) expect(artifact).toMatchObject({ state: 'stored', etag: 'etag' })
    else expect(artifact).toBeUndefined()
  }
})

test('what was proven before another writer came says nothing after it', async () => {
  const { sweeps } = catalog.delivery
  await harbour.store(['a'])
  await harbour.accept(['a'])
  await harbour.fail()
  const [doubt] = await mine(sweeps.doubtfulArtifacts(100))
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  if (doubt) await sweeps.resolveDoubt(doubt, true)
  const look = () => catalog.api.artifacts.get(harbour.run, 'a' as never)
  expect(await look()).toMatchObject({ state: 'replacing' })
  await harbour.settle(work, failed(work))
  for (const stillTrue of [true, false]) {
    if (doubt) await sweeps.resolveDoubt(doubt, stillTrue)
    expect(await look()).toMatchObject({ state: 'replacing' })
  }
})

test('a doubt is not resolved in the middle of another writer’s beginning', async () => {
  const { sweeps } = catalog.delivery
  await harbour.store(['a'])
  await harbour.accept(['a'])
  await harbour.fail()
  const [doubt] = await mine(sweeps.doubtfulArtifacts(100))
  if (!doubt) throw new Error('there is no doubt')
  let resolving: Promise<void> = Promise.resolve()
  await db.transaction(async (sql) => {
    await sql.query(
      `UPDATE path_heads SET writer_file_id = head_file_id WHERE run_id = :runId AND path = 'a'`,
      { runId: harbour.run.runId },
    )
    resolving = sweeps.resolveDoubt(doubt, true)
    await until(() => othersWaitFor(sql), { within: 10_000 })
  })
  await resolving
  expect(await catalog.api.artifacts.get(harbour.run, 'a' as never)).toMatchObject({
    state: 'replacing',
  })
})

test('the object that a given-up file may have left is to be deleted, if it is that file’s', async () => {
  const { sweeps } = catalog.delivery
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  const { size, sha256, crc32, object } = onlyFile(work)
  await harbour.begin(work)
  await harbour.settle(work, failed(work))
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  await makeDue()
  const [deletion, ...more] = await sweeps.takeDeletions(10, LEASE_MS)
  expect(deletion).toMatchObject({ object, onlyIf: { size, sha256, crc32 }, attempts: 1 })
  expect(more).toEqual([])
})

test('a file that was never let at its key, or was stored, leaves nothing to delete', async () => {
  const { sweeps } = catalog.delivery
  await harbour.store(['a'])
  await harbour.accept(['b'])
  const work = await harbour.takeOne()
  await harbour.settle(work, failed(work))
  const { jobId } = await harbour.accept(['c'])
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  await makeDue()
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  expect(await db.query('SELECT 1 FROM deletions')).toEqual([])
})

test('what a cancelled file may have left is deleted, and what a superseded one left is replaced', async () => {
  const { sweeps } = catalog.delivery
  for (const path of ['a', 'b']) {
    const { jobId } = await harbour.accept([path])
    const work = await harbour.takeOne()
    await harbour.begin(work)
    await catalog.delivery.leases.handBack(work.ticket, { delayMs: 0, burn: true })
    await catalog.api.jobs.cancel(harbour.tenant, jobId)
  }
  await harbour.store(['b'])
  await makeDue()
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toMatchObject([{ path: 'a' }])
})

test('what is in doubt is decided before what may have replaced it is deleted', async () => {
  const { sweeps } = catalog.delivery
  await harbour.store(['a'])
  await harbour.accept(['a'])
  await harbour.fail()
  await makeDue()
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  const [doubt] = await mine(sweeps.doubtfulArtifacts(100))
  if (doubt) await sweeps.resolveDoubt(doubt, true)
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  expect(await db.query('SELECT 1 FROM deletions')).toEqual([])
})

test('a deletion is leased to one sweeper, tried again when that fails or is silent, and gone when done', async () => {
  const { sweeps } = catalog.delivery
  await harbour.store(['a', 'b'])
  for (const path of ['a', 'b']) await catalog.api.artifacts.delete(harbour.run, path as never)
  const both = await Promise.all([sweeps.takeDeletions(1, LEASE_MS), sweeps.takeDeletions(1, LEASE_MS)])
  const [one, other] = both.flat()
  if (!one || !other) throw new Error('two deletions were due')
  expect(one.path).not.toBe(other.path)
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  await sweeps.deletionFailed(one, 'access denied', 60_000)
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  await sweeps.deletionFailed(other, 'slow down', 0)
  const [again] = await sweeps.takeDeletions(10, -1)
  expect(again).toEqual({ ...other, attempts: 2 })
  const [third] = await sweeps.takeDeletions(10, LEASE_MS)
  expect(third).toEqual({ ...other, attempts: 3 })
  // The first two hear late that they were too slow.
  await sweeps.deletionDone(other)
  if (again) await sweeps.deletionFailed(again, 'late', 0)
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  if (third) await sweeps.deletionDone(third)
  expect(await db.query('SELECT path FROM deletions')).toEqual([{ path: one.path }])
})

test('no deletion begins in the middle of a writer’s beginning', async () => {
  const { sweeps } = catalog.delivery
  await harbour.store(['a'])
  await catalog.api.artifacts.delete(harbour.run, 'a' as never)
  await db.transaction(async (sql) => {
    await sql.query('SELECT 1 FROM path_heads WHERE run_id = :runId FOR UPDATE', { runId: harbour.run.runId })
    expect(await sweeps.takeDeletions(10, LEASE_MS)).toEqual([])
  })
  expect(await sweeps.takeDeletions(10, LEASE_MS)).toHaveLength(1)
})

test('old idempotency keys and silent workers are forgotten, and those in use are not', async () => {
  const { sweeps, workers } = catalog.delivery
  const { idempotency } = catalog.api
  const holder = newId()
  await idempotency.begin(harbour.tenant, 'held', 'PUT /x', holder, 60_000)
  await idempotency.begin(harbour.tenant, 'left', 'PUT /x', newId(), -1)
  expect(await sweeps.forgetIdempotencyKeys(60_000)).toBe(0)
  expect(await sweeps.forgetIdempotencyKeys(-1)).toBe(1)
  await idempotency.release(harbour.tenant, 'held', holder)

  await workers.seen({ workerId: 'one', routes: ['r', 's'], slots: 4 })
  await workers.seen({ workerId: 'two', routes: ['r'], slots: 2 })
  await workers.seen({ workerId: 'two', routes: ['r'], slots: 3 })
  await workers.seen({ workerId: 'blind', routes: [], slots: 9 })
  expect(await workers.slots(60_000)).toEqual(
    new Map([
      ['r', 7],
      ['s', 4],
    ]),
  )
  expect(await workers.slots(-60_000)).toEqual(new Map())
  await workers.gone('one')
  expect(await workers.slots(60_000)).toEqual(new Map([['r', 3]]))
  await sweeps.forgetWorkers(60_000)
  expect(await workers.slots(60_000)).toEqual(new Map([['r', 3]]))
  await sweeps.forgetWorkers(-1)
  expect(await workers.slots(60_000)).toEqual(new Map())
})

async function makeDue(): Promise<void> {
  await db.query('UPDATE deletions SET available_at = now()')
}

async function mine<T extends { runId: string }>(all: Promise<T[]>): Promise<T[]> {
  return (await all).filter(({ runId }) => runId === harbour.run.runId)
}
