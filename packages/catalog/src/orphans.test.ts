import { newId } from '@lading/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import { Harbour, LEASE_MS, onlyFile, openMigrated, SILENT } from './fixtures/harbour.ts'
import { othersWaitFor } from './fixtures/locks.ts'
import type { Catalog } from './open.ts'
import type { Stray } from './orphans.ts'

let catalog: Catalog
let db: Database
let harbour: Harbour

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 3, timeoutMs: 10_000, log: SILENT })
})

beforeEach(async () => {
  harbour = await Harbour.open(catalog)
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

function strayAt(path: string): Stray {
  const { runId, location } = harbour.run
  return { runId, object: { bucket: location.bucket, key: `${location.prefix}${path}` }, of: { path } }
}

function strayOf(fileId: string): Stray {
  const { runId, location } = harbour.run
  const key = `${location.prefix.replace(/artifacts\/$/, '')}staging/${fileId}`
  return { runId, object: { bucket: location.bucket, key }, of: { fileId } }
}

async function isClaimed(stray: Stray): Promise<boolean> {
  return (await catalog.delivery.orphans.claimed([stray])).has(stray.object.key)
}

test('runs are given a page at a time, with where their objects lie', async () => {
  const { orphans } = catalog.delivery
  const mine = { runId: harbour.run.runId }
  const [place] = await orphans.places(undefined, mine, 10)
  expect(`${place?.root}artifacts/`).toBe(harbour.run.location.prefix)
  expect(await orphans.places(place?.runId, mine, 10)).toEqual([])
  const [first] = await orphans.places(undefined, {}, 1)
  expect(await orphans.places(first?.runId, {}, 1)).not.toEqual([first])
})

test('a key is spoken of from when its file is accepted until its artifact is deleted from the store', async () => {
  const stray = strayAt('a')
  expect(await isClaimed(stray)).toBe(false)
  await harbour.accept(['a'])
  expect(await isClaimed(stray)).toBe(true)
  const work = await harbour.takeOne()
  await harbour.deliver(work)
  expect(await isClaimed(stray)).toBe(true)
  await catalog.api.artifacts.delete(harbour.run, onlyFile(work).path as never)
  expect(await isClaimed(stray)).toBe(true)
  const [deletion] = await catalog.delivery.sweeps.takeDeletions(10, LEASE_MS)
  expect(await isClaimed(stray)).toBe(true)
  if (deletion) await catalog.delivery.sweeps.deletionDone(deletion)
  expect(await isClaimed(stray)).toBe(false)
})

test('a staging key is its file’s for as long as there is a row of it, and that of no known file is nobody’s', async () => {
  await harbour.store(['a'])
  await catalog.api.uploads.accept({ ...harbour.acceptance(['a']), job: { kind: 'new', atomic: true } })
  const work = await harbour.takeOne()
  const { fileId } = onlyFile(work)
  await harbour.begin(work)
  expect(await isClaimed(strayOf(fileId))).toBe(true)
  await harbour.settle(work, [{ fileId, state: 'superseded' }])
  expect(await isClaimed(strayOf(fileId))).toBe(true)
  await catalog.delivery.staging.forget(fileId)
  expect(await isClaimed(strayOf(fileId))).toBe(false)
  expect(await isClaimed(strayOf(newId()))).toBe(false)
})

test('one at a time has the lease of an orphan, and a lease that ran out is taken over', async () => {
  const { orphans } = catalog.delivery
  const stray = strayOf(newId())
  const one = await orphans.lease(stray, 'etag', LEASE_MS)
  expect(one).toMatchObject({ path: '', attempts: 1 })
  expect(await orphans.lease(stray, 'etag', LEASE_MS)).toBeUndefined()
  expect(await isClaimed(stray)).toBe(true)
  await db.query(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
  expect(await isClaimed(stray)).toBe(false)
  const other = await orphans.lease(stray, 'etag', LEASE_MS)
  expect(other).toEqual({ ...one, attempts: 2 })
  if (!one || !other) return
  expect(await orphans.confirm(stray, one)).toBe(false)
  await orphans.release(one)
  expect(await orphans.confirm(stray, other)).toBe(true)
  await orphans.release(other)
  expect(await orphans.confirm(stray, other)).toBe(false)
})

test('a lease that its holder was killed with is forgotten when it ran out, and that of an accepted path is swept', async () => {
  const { orphans, sweeps } = catalog.delivery
  await orphans.forgetLeases()
  await harbour.store(['a'])
  await catalog.api.artifacts.delete(harbour.run, 'a' as never)
  const stray = strayOf(newId())
  const lease = await orphans.lease(stray, 'etag', LEASE_MS)
  expect(await orphans.forgetLeases()).toBe(0)
  await sweeps.takeDeletions(10, LEASE_MS)
  await db.query(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
  expect(await orphans.forgetLeases()).toBe(1)
  expect(lease && (await orphans.confirm(stray, lease))).toBe(false)
  expect(
    await db.query('SELECT path FROM deletions WHERE run_id = :runId', { runId: harbour.run.runId }),
  ).toEqual([{ path: 'a' }])
})

test('the last look waits for a file that is just beginning, and sees it', async () => {
  const { orphans } = catalog.delivery
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  const { fileId } = onlyFile(work)
  await harbour.settle(work, [{ fileId, state: 'cancelled' }])
  await db.query('DELETE FROM deletions')
  const stray = strayAt('a')
  const lease = await orphans.lease(stray, 'etag', LEASE_MS)
  if (!lease) throw new Error('it has no lease')
  const confirmed = await db.transaction(async (sql) => {
    await sql.query(`SELECT 1 FROM path_heads WHERE head_file_id = :fileId FOR UPDATE`, { fileId })
    const looking = orphans.confirm(stray, lease)
    await until(() => othersWaitFor(sql), { within: 30_000 })
    await sql.query(`UPDATE path_heads SET writer_file_id = head_file_id WHERE head_file_id = :fileId`, {
      fileId,
    })
    return { looking }
  })
  expect(await confirmed.looking).toBe(false)
})

test('what lies at a staging key says nothing to a file that writes its own', async () => {
  const first = await harbour.accept(['a'])
  const before = await harbour.takeOne()
  await harbour.deliver(before)
  await db.query('DELETE FROM artifacts WHERE job_id = :jobId', { jobId: first.jobId })
  const stray = strayOf(onlyFile(before).fileId)
  expect(await catalog.delivery.orphans.lease(stray, 'staged', LEASE_MS)).toMatchObject({ path: 'a' })
  await db.query(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
  await harbour.accept(['a'])
  expect(await harbour.begin(await harbour.takeOne())).toMatchObject([{ verdict: 'go', replaces: undefined }])
})

test('an upload is unknown unless the ledger has its id, or one of its key whose id was lost', async () => {
  const { orphans, ledger } = catalog.delivery
  const { jobId } = await harbour.accept(['a', 'b'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  for (const { fileId, object } of work.files) await ledger.intend({ fileId, jobId, object, partSize: 8 })
  const [a, b] = work.files
  await ledger.began(a?.fileId ?? '', 'known')
  const asked = [
    { key: a?.object.key ?? '', uploadId: 'known' },
    { key: a?.object.key ?? '', uploadId: 'unknown' },
    { key: b?.object.key ?? '', uploadId: 'perhaps' },
    { key: 'c', uploadId: 'known' },
  ]
  expect(await orphans.unknownUploads(harbour.run.location.bucket, asked)).toEqual([asked[1], asked[3]])
})
