import { type ArtifactPath, DEFAULT_WORK_LIMITS } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { freshDatabase } from '../../../test/support/provided.ts'
import { accept } from './accept.ts'
import { Database } from './database.ts'
import { Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import { deadlocks, othersWaitFor } from './fixtures/locks.ts'
import type { Catalog } from './open.ts'
import { holdPaths } from './path-clashes.ts'

let catalog: Catalog
let db: Database

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url, { poolSize: 24 })
  db = new Database({ url, poolSize: 2, timeoutMs: 30_000, log: SILENT })
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

const CLASH = { code: 'path_conflict' }

test('of many clients that make a path a file and a directory in the same moment, only those of one kind are accepted', async () => {
  const harbour = await Harbour.open(catalog)
  for (let round = 0; round < 25; round++) {
    const path = `round-${round}/a`
    const many = Array.from({ length: 60 }, (_, n) => `${path}/many/${n}`)
    const requests = Array.from({ length: 24 }, (_, n) => {
      if (n % 2 === 0) return [path, `round-${round}/beside-${n}`]
      return n % 12 === 1 ? many : [`${path}/b/${n}`]
    })
    const results = await Promise.allSettled(requests.map((paths) => harbour.accept(paths)))
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    for (const refusal of refusals) expect(refusal).toMatchObject(CLASH)
    const accepted = requests.filter((_, n) => results[n]?.status === 'fulfilled')
    const kinds = new Set(accepted.map((paths) => (paths[0] === path ? 'file' : 'directory')))
    expect([...kinds]).toHaveLength(1)
    expect(await filesUnder(harbour, `round-${round}/`)).toBe(accepted.flat().length)
  }
  expect(await deadlocks(db)).toBe(0)
})

test('who brings another file into the same directory does not wait; who would make the file a directory does', async () => {
  const harbour = await Harbour.open(catalog)
  const acceptance = harbour.acceptance(['models/last.pt'])
  const { runId } = harbour.run
  let below: Promise<unknown> = Promise.resolve()
  await db.transaction(async (sql) => {
    await accept(sql, acceptance, DEFAULT_WORK_LIMITS, false)
    await holdPaths(sql, runId, ['models/last.pt'])
    await harbour.accept(['models/best.pt', 'models/epochs/1.pt'])
    below = harbour.accept(['models/last.pt/rank-0']).catch((error: unknown) => error)
    await until(() => othersWaitFor(sql), { within: 9_000 })
  })
  expect(await below).toMatchObject({
    ...CLASH,
    detail: '"models/last.pt" is a file of the run, and would have to be a directory',
  })
})

test('what an atomic directory has delivered and does not show yet is in the way already', async () => {
  const harbour = await Harbour.open(catalog)
  const open = {
    atomic: true,
    directory: '',
    shards: undefined,
    expectedFiles: undefined,
    deadline: undefined,
  }
  const { jobId } = await catalog.api.jobs.open(harbour.run, open)
  await catalog.api.uploads.accept({ ...harbour.acceptance(['a', 'd/x']), job: { kind: 'open', jobId } })
  for (const work of await harbour.take()) await harbour.deliver(work)
  await expect(harbour.accept(['a/b'])).rejects.toMatchObject(CLASH)
  await expect(harbour.accept(['d'])).rejects.toMatchObject(CLASH)
})

test('a failed job is not retried over what was accepted since, until that is out of the way', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  await harbour.fail()
  await harbour.store(['a/b'])
  await expect(catalog.api.jobs.retry(harbour.tenant, jobId)).rejects.toMatchObject({
    ...CLASH,
    detail: '"a" is a directory of the run: it holds "a/b"',
  })
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed', files: { failed: 1 } })
  await catalog.api.artifacts.delete(harbour.run, 'a/b' as ArtifactPath)
  expect(await catalog.api.jobs.retry(harbour.tenant, jobId)).toMatchObject({ state: 'queued' })
})

async function filesUnder({ run }: Harbour, prefix: string): Promise<number> {
  const [row] = await db.query<{ files: number }>(
    'SELECT count(*)::int AS files FROM files WHERE run_id = :runId AND starts_with(path, :prefix)',
    { runId: run.runId, prefix },
  )
  return row?.files ?? 0
}
