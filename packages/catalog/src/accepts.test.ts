import { type ArtifactPath, newId } from '@lading/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import { acceptedFile, Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import { deadlocks } from './fixtures/locks.ts'
import { workThrough } from './fixtures/work-through.ts'
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

test('a file comes to its worker as it was accepted', async () => {
  const harbour = await Harbour.open(catalog)
  const acceptance = harbour.acceptance([])
  const blockCrcs = Buffer.from([0, 255, 92, 120, 39, 123])
  const path = 'Ünïcode/日本語 {"\\},NULL?::text :path/👍.bin'
  const file = { ...acceptedFile(path, 2 ** 40, 2 ** 41), blockCrcs }
  const job = await catalog.api.uploads.accept({ ...acceptance, files: [file] })
  expect(job.bytes.total).toBe(2 ** 41)
  const work = await harbour.takeOne()
  const { type, mode, mtime, ...sent } = file
  expect(work.files[0]).toEqual({
    ...sent,
    isDirectory: type !== 'file' || mode !== undefined || mtime !== undefined,
    fileId: expect.any(String),
    packId: acceptance.pack.packId,
    object: { bucket: 'bucket', key: harbour.run.location.prefix + path },
    upload: undefined,
  })
})

test('the files of a request are spread over work items by the limits that were given', async () => {
  const url = await freshDatabase()
  await using own = await openMigrated(url, { workLimits: { files: 2, bytes: 100 } })
  const harbour = await Harbour.open(own)
  const sizes = [10, 10, 10, 99, 500, 10]
  const { jobId } = await own.api.uploads.accept({
    ...harbour.acceptance([]),
    files: sizes.map((size, n) => acceptedFile(`f${n}`, 0, size)),
  })
  const works = await harbour.take()
  expect(works.map((work) => work.files.length).sort()).toEqual([1, 1, 1, 1, 2])
  for (const work of works) await harbour.deliver(work)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', files: { stored: 6 } })
})

test('a request whose idempotency key was taken over is accepted not at all', async () => {
  const harbour = await Harbour.open(catalog)
  const { idempotency } = catalog.api
  await idempotency.begin(harbour.tenant, 'key', 'PUT /x', newId(), -1)
  const [late, quick] = [newId(), newId()]
  await idempotency.begin(harbour.tenant, 'key', 'PUT /x', late, -1)
  await idempotency.begin(harbour.tenant, 'key', 'PUT /x', quick, 60_000)
  const acceptance = harbour.acceptance(['a', 'b'])
  const given = { key: 'key', content: 'digest' }
  await expect(
    catalog.api.uploads.accept({ ...acceptance, idempotency: { ...given, holder: late } }),
  ).rejects.toMatchObject({ code: 'idempotency_key_in_flight' })
  const rows = await db.query(
    `SELECT run_id FROM jobs WHERE run_id = :runId UNION ALL SELECT run_id FROM path_heads WHERE run_id = :runId
     UNION ALL SELECT pack_id FROM packs WHERE pack_id = :packId UNION ALL SELECT run_id FROM files WHERE run_id = :runId
     UNION ALL SELECT work_id FROM work_items WHERE pack_id = :packId`,
    { runId: harbour.run.runId, packId: acceptance.pack.packId },
  )
  expect(rows).toEqual([])
  const job = await catalog.api.uploads.accept({ ...acceptance, idempotency: { ...given, holder: quick } })
  expect(await idempotency.begin(harbour.tenant, 'key', 'PUT /x', newId(), 60_000)).toEqual({
    state: 'done',
    jobId: job.jobId,
    content: 'digest',
  })
})

test('when eight clients send the same path at once, the path belongs to the one that was accepted last', async () => {
  const harbour = await Harbour.open(catalog)
  const jobs = await Promise.all(Array.from({ length: 8 }, () => harbour.accept(['model.pkl'])))
  const [head] = await db.query<{ jobId: string }>(
    `SELECT f.job_id FROM path_heads h JOIN files f ON f.file_id = h.head_file_id WHERE h.run_id = :runId`,
    { runId: harbour.run.runId },
  )
  expect(jobs.map(({ jobId }) => jobId)).toContain(head?.jobId)

  // A ninth waits behind a transaction that has locked the head, and comes after it.
  const before = harbour.acceptance(['model.pkl'])
  let waiting: Promise<unknown> = Promise.resolve()
  await db.transaction(async (sql) => {
    await sql.query('SELECT 1 FROM path_heads WHERE run_id = :runId FOR UPDATE', { runId: harbour.run.runId })
    waiting = catalog.api.uploads.accept(before)
    await sql.query('SELECT pg_sleep(0)')
  })
  await waiting
  const works = await harbour.take()
  expect(works.length).toBe(9)
  const verdicts = await Promise.all(works.map(async (work) => (await harbour.begin(work))[0]?.verdict))
  expect(verdicts.filter((verdict) => verdict === 'superseded').length).toBe(8)
  const winner = works[verdicts.indexOf('go')]
  expect(winner?.files[0]?.packId).toBe(before.pack.packId)
})

test('requests that share paths in any order are all accepted, and none is a deadlock’s victim', async () => {
  const harbour = await Harbour.open(catalog)
  const paths = ['a', 'B', 'a/b'.replace('/', '.'), 'z', 'é', '日', '👍', '-', '0', '~']
  const before = await deadlocks(db)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.shuffledSubarray(paths, { minLength: 2 }), { minLength: 4, maxLength: 8 }),
      async (requests) => {
        await Promise.all(requests.map((request) => harbour.accept(request)))
      },
    ),
    { numRuns: 15 },
  )
  expect(await deadlocks(db)).toBe(before)
})

test('accepting a directory again while it is delivered is no deadlock either', async () => {
  const harbour = await Harbour.open(catalog)
  const paths = Array.from({ length: 60 }, (_, n) => `dir/${n}`)
  const shuffled = () => paths.map((path) => ({ path, at: Math.random() })).sort((a, b) => a.at - b.at)
  const before = await deadlocks(db)
  const accepting = async () => {
    for (let n = 0; n < 10; n++) await harbour.accept(shuffled().map(({ path }) => path))
  }
  let done = false
  const delivering = async () => {
    while (!done) for (const work of await harbour.take(2)) await workThrough(harbour, work)
  }
  const workers = [delivering(), delivering(), delivering()]
  await Promise.all([accepting(), accepting(), accepting()])
  done = true
  await Promise.all(workers)
  expect(await deadlocks(db)).toBe(before)
  // What is left when all has been accepted is delivered by one worker, with nobody else about.
  for (;;) {
    const works = await harbour.take()
    if (works.length === 0) break
    for (const work of works) await workThrough(harbour, work)
  }
  const states = await db.query(
    `SELECT DISTINCT j.state AS job, w.state AS work FROM jobs j JOIN work_items w USING (job_id) WHERE run_id = :runId`,
    { runId: harbour.run.runId },
  )
  expect(states).toEqual([{ job: 'completed', work: 'done' }])
  const wrong = await db.query(
    `SELECT a.path FROM artifacts a JOIN path_heads h USING (run_id, path)
     WHERE run_id = :runId AND (h.writer_file_id IS NOT NULL OR a.file_id <> h.head_file_id OR a.state <> 'stored')`,
    { runId: harbour.run.runId },
  )
  expect(wrong).toEqual([])
})

test('a path that is a file of the run cannot become a directory, nor the other way round', async () => {
  const harbour = await Harbour.open(catalog)
  const check = (...paths: string[]) => catalog.api.uploads.checkPaths(harbour.run, paths as ArtifactPath[])
  await harbour.store(['models/最終.pkl', 'models-old', 'models.d/x', 'models0'])
  await harbour.accept(['pending/deep/a'])
  await check('models/最終.pkl', 'models/最終.pk', 'models/最終.pkl2', 'new', 'models-old', 'pending/deep/b')
  for (const [path, message] of [
    ['models', '"models" is a directory of the run: it holds "models/最終.pkl"'],
    ['pending', '"pending" is a directory of the run: it holds "pending/deep/a"'],
    ['pending/deep', '"pending/deep" is a directory of the run: it holds "pending/deep/a"'],
    ['models/最終.pkl/epoch/1', '"models/最終.pkl" is a file of the run, and would have to be a directory'],
    ['pending/deep/a/b', '"pending/deep/a" is a file of the run, and would have to be a directory'],
    ['models0/b', '"models0" is a file of the run, and would have to be a directory'],
  ] as const) {
    await expect(check('fine', path)).rejects.toMatchObject({ code: 'path_conflict', detail: message })
  }
})

test('a path whose last file has failed or was cancelled is in no other’s way', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  await harbour.fail()
  const { jobId } = await harbour.accept(['b'])
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  await catalog.api.uploads.checkPaths(harbour.run, ['a/x', 'b/x'] as ArtifactPath[])
})

test('paths of another run are in nobody’s way', async () => {
  const [one, other] = [await Harbour.open(catalog), await Harbour.open(catalog)]
  await one.store(['a'])
  await catalog.api.uploads.checkPaths(other.run, ['a/b' as ArtifactPath])
})
