import { type ArtifactPath, COPIES_ROUTE, newId, type TenantId } from '@lading/core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import type { OpenJob, Planned, PlannedFile, Seal } from './catalog.ts'
import { Database } from './database.ts'
import { explain, rowsRead } from './fixtures/explain.ts'
import { acceptedFile, failed, fileIds, Harbour, onlyFile, openMigrated, SILENT } from './fixtures/harbour.ts'
import { OPEN, SEAL } from './fixtures/open-jobs.ts'
import { DEFAULT_JOB_LIMITS } from './job-limits.ts'
import { planFiles } from './job-plan.ts'
import type { Job } from './model.ts'
import type { Catalog } from './open.ts'
import { NO_QUOTA } from './quotas.ts'

const LIMITS = { files: 50, bytes: 16 * 1024 * 1024 }
let catalog: Catalog
let url: string

beforeAll(async () => {
  url = await freshDatabase()
  catalog = await openMigrated(url)
})

afterAll(() => catalog.close())

/** The bytes of `of`, at another path. */
function copyOf(of: string, path: string): PlannedFile {
  const { size, sha256 } = acceptedFile(of)
  return { path: path as ArtifactPath, size, sha256 }
}

async function openJob(harbour: Harbour, job: Partial<OpenJob> = {}): Promise<string> {
  return (await catalog.api.jobs.open(harbour.run, { ...OPEN, ...job })).jobId
}

async function plan(
  harbour: Harbour,
  jobId: string,
  files: readonly PlannedFile[],
  copy = true,
): Promise<Planned | undefined> {
  return await catalog.api.jobs.plan(harbour.run, jobId, files, { copy })
}

async function takeCopies(harbour: Harbour) {
  return await harbour.take(1_000, 'worker', COPIES_ROUTE)
}

async function failCopies(harbour: Harbour): Promise<void> {
  for (const work of await takeCopies(harbour)) {
    await harbour.begin(work)
    const gone = fileIds(work).map((fileId) => {
      return { fileId, state: 'failed', code: 'copy_source_gone', detail: 'it was deleted' } as const
    })
    await harbour.settle(work, gone)
  }
}

async function send(harbour: Harbour, jobId: string, paths: readonly string[]): Promise<void> {
  await catalog.api.uploads.accept({ ...harbour.acceptance(paths), job: { kind: 'open', jobId } })
}

async function seal(harbour: Harbour, jobId: string, given: Partial<Seal> = {}): Promise<Job | undefined> {
  return await catalog.api.jobs.seal(harbour.tenant, jobId, { ...SEAL, ...given })
}

test('bytes that the tenant has in another experiment are files of the job that need no pack, at as many paths as are asked for', async () => {
  const earlier = await Harbour.open(catalog)
  await earlier.store(['model.pt'])
  const harbour = await Harbour.open(catalog, earlier.tenant)
  const jobId = await openJob(harbour)
  const paths = ['copies/1', 'copies/2', 'copies/3']
  const asked = [...paths.map((path) => copyOf('model.pt', path)), copyOf('new', 'new')]
  expect(await plan(harbour, jobId, asked)).toEqual({ needed: ['new'], copied: 3 })
  expect(await harbour.job(jobId)).toMatchObject({ files: { total: 3 }, bytes: { total: 30 } })

  const [work] = await takeCopies(harbour)
  if (!work) throw new Error('there is no work')
  expect(work.files.map(({ path, packId }) => [path, packId])).toEqual(paths.map((path) => [path, undefined]))
  const source = await catalog.api.artifacts.get(earlier.run, 'model.pt' as ArtifactPath)
  for (const { fileId, crc32 } of work.files) {
    expect(crc32).toBe(acceptedFile('model.pt').crc32)
    expect(await catalog.delivery.delivery.copySources(fileId)).toEqual([
      { object: { bucket: source?.bucket, key: source?.key }, etag: source?.etag },
    ])
  }
  expect(await harbour.deliver(work)).toMatchObject({ moved: 3, freePacks: [] })
  expect(await seal(harbour, jobId, { files: 3 })).toMatchObject({ state: 'completed', files: { stored: 3 } })
  expect(await catalog.api.artifacts.get(harbour.run, 'copies/2' as ArtifactPath)).toMatchObject({
    sha256: acceptedFile('model.pt').sha256,
  })
})

test('what another tenant has, or the same tenant in another bucket, is needed', async () => {
  const other = await Harbour.open(catalog)
  await other.store(['model.pt'])
  const harbour = await Harbour.open(catalog)
  const jobId = await openJob(harbour)
  const asked = [copyOf('model.pt', 'model.pt')]
  expect(await plan(harbour, jobId, asked)).toEqual({ needed: ['model.pt'], copied: 0 })

  const { experimentId } = await catalog.api.experiments.create(other.tenant, {
    name: `elsewhere ${newId()}`,
    location: { bucket: 'another-bucket', prefix: '' },
  })
  const elsewhere = await catalog.api.runs.create(other.tenant, { experimentId, name: undefined })
  const job = await catalog.api.jobs.open(elsewhere, OPEN)
  expect(await catalog.api.jobs.plan(elsewhere, job.jobId, asked, { copy: true })).toMatchObject({
    copied: 0,
  })
})

test('nobody plans into the job of another run', async () => {
  const harbour = await Harbour.open(catalog)
  const jobId = await openJob(harbour)
  const other = await Harbour.open(catalog)
  expect(await plan(other, jobId, [copyOf('a', 'a')])).toBeUndefined()
  const sameTenant = await Harbour.open(catalog, harbour.tenant)
  expect(await plan(sameTenant, jobId, [copyOf('a', 'a')])).toBeUndefined()
})

test('what is being replaced, or was deleted, is no source', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['replaced', 'deleted'])
  await harbour.accept(['replaced'])
  await harbour.begin(await harbour.takeOne())
  await catalog.api.artifacts.delete(harbour.run, 'deleted' as ArtifactPath)
  const asked = [copyOf('replaced', 'x'), copyOf('deleted', 'y')]
  expect(await plan(harbour, await openJob(harbour), asked)).toEqual({ needed: ['x', 'y'], copied: 0 })
})

test('who does not want copies is asked for the bytes, and a job that is not open takes none', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  const jobId = await openJob(harbour)
  const asked = [copyOf('a', 'b')]
  expect(await plan(harbour, jobId, asked, false)).toEqual({ needed: ['b'], copied: 0 })
  await seal(harbour, jobId)
  expect(await plan(harbour, jobId, asked)).toEqual({ needed: ['b'], copied: 0 })
})

test('the same plan again, or many at once, adds nothing more', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  const jobId = await openJob(harbour)
  const asked = ['1', '2', '3'].map((path) => copyOf('a', path))
  const plans = await Promise.all(Array.from({ length: 8 }, () => plan(harbour, jobId, asked)))
  expect(plans.map((planned) => planned?.needed)).toEqual(plans.map(() => []))
  expect(plans.map((planned) => planned?.copied).sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 3])
  expect(await harbour.job(jobId)).toMatchObject({ files: { total: 3 } })
})

test('a copy whose source has gone is needed; sent to the open job, it need not fail it', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a', 'b'])
  const jobId = await openJob(harbour)
  const asked = [copyOf('a', 'x'), copyOf('b', 'y')]
  expect(await plan(harbour, jobId, asked)).toEqual({ needed: [], copied: 2 })
  await failCopies(harbour)
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'open',
    files: { failed: 2 },
    error: { code: 'copy_source_gone', path: 'x' },
  })
  // Its source is there all the same, as one that is damaged would be.
  expect(await plan(harbour, jobId, asked)).toEqual({ needed: ['x', 'y'], copied: 0 })
  await send(harbour, jobId, ['x'])
  expect(await harbour.job(jobId)).toMatchObject({
    files: { total: 3, failed: 1, superseded: 1 },
    error: { path: 'y' },
  })
  await send(harbour, jobId, ['y'])
  for (const work of await harbour.take()) await harbour.deliver(work)
  expect(await seal(harbour, jobId, { files: 2 })).toMatchObject({
    state: 'completed',
    files: { total: 4, stored: 2, superseded: 2, failed: 0 },
    bytes: { total: 40, done: 40 },
    error: undefined,
  })
})

test('a file that fails when its path has a newer one was superseded', async () => {
  const harbour = await Harbour.open(catalog)
  const jobId = await openJob(harbour)
  await send(harbour, jobId, ['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await send(harbour, jobId, ['a'])
  await harbour.settle(work, failed(work))
  await harbour.fail()
  expect(await seal(harbour, jobId)).toMatchObject({ state: 'failed', files: { superseded: 1, failed: 1 } })
})

test('of a ticket whose one file was sent again, the pack is free', async () => {
  const harbour = await Harbour.open(catalog)
  const jobId = await openJob(harbour)
  await send(harbour, jobId, ['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await harbour.settle(work, failed(work))
  const { packId } = onlyFile(work)
  if (packId === undefined) throw new Error('the file has no pack')
  const { status } = catalog.delivery.packs
  expect(await status([packId])).toEqual(new Map([[packId, 'needed']]))
  await send(harbour, jobId, ['a'])
  expect(await status([packId])).toEqual(new Map([[packId, 'free']]))
})

test('a job that failed for a copy can be retried', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  const jobId = await openJob(harbour)
  await plan(harbour, jobId, [copyOf('a', 'b')])
  await failCopies(harbour)
  expect(await seal(harbour, jobId)).toMatchObject({ state: 'failed' })
  await catalog.api.jobs.retry(harbour.tenant, jobId)
  for (const work of await takeCopies(harbour)) await harbour.deliver(work)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
})

test('a plan keeps to the limits of a job, and makes no file a directory; then it adds nothing', async () => {
  const small = await openMigrated(url, { jobLimits: { files: 1, bytes: 1_000 } })
  try {
    const harbour = await Harbour.open(small)
    await harbour.store(['a'])
    const { jobId } = await small.api.jobs.open(harbour.run, OPEN)
    const planned = (...paths: string[]) => {
      const files = paths.map((path) => copyOf('a', path))
      return small.api.jobs.plan(harbour.run, jobId, files, { copy: true })
    }
    await expect(planned('b', 'c')).rejects.toMatchObject({ code: 'job_too_large' })
    await expect(planned('a/b')).rejects.toMatchObject({ code: 'path_conflict' })
    expect(await harbour.job(jobId)).toMatchObject({ files: { total: 0 } })
    expect(await planned('b')).toEqual({ needed: [], copied: 1 })
  } finally {
    await small.close()
  }
})

test('what is copied is held to the quota, though no byte of it is sent, and counts from then on', async () => {
  const tenant = `t-${newId()}` as TenantId
  const { quotas } = catalog.api
  await quotas.set(tenant, { ...NO_QUOTA, objects: 3 })
  const harbour = await Harbour.open(catalog, tenant)
  await harbour.store(['a', 'b'])
  const before = await quotas.usage(tenant)
  const jobId = await openJob(harbour)
  await expect(plan(harbour, jobId, [copyOf('a', 'c'), copyOf('b', 'd')])).rejects.toMatchObject({
    code: 'quota_exceeded',
    quota: { of: 'objects', used: 2, allowed: 3, asked: 2 },
  })
  expect(await quotas.usage(tenant)).toEqual(before)
  expect(await plan(harbour, jobId, [copyOf('a', 'c')])).toEqual({ needed: [], copied: 1 })
  expect(await quotas.usage(tenant)).toEqual({ ...before, comingObjects: 1, comingBytes: 10 })
  for (const work of await takeCopies(harbour)) await harbour.deliver(work)
  expect(await quotas.usage(tenant)).toEqual({ ...before, objects: 3, bytes: before.bytes + 10 })
})

test('planning a page looks at what it asks for, however much the tenant has', async () => {
  const db = new Database({ url, poolSize: 2, timeoutMs: 10_000, log: SILENT })
  onTestFinished(() => db.close())
  const harbour = await Harbour.open(catalog)
  const paths = Array.from({ length: 3_000 }, (_, index) => `many/${index}`)
  await harbour.accept(paths)
  for (const work of await harbour.take(1_000)) await harbour.deliver(work)
  await db.query('ANALYZE artifacts, files, path_heads')
  const jobId = await openJob(harbour)
  const files = [...paths.slice(0, 20), ...Array.from({ length: 20 }, (_, index) => `new/${index}`)]
  const asked = files.map((path) => copyOf(path, path))
  const plan = { run: harbour.run, jobId, files: asked, copy: true, quota: NO_QUOTA }
  const look = () => planFiles(db.of(harbour.tenant), plan, LIMITS, DEFAULT_JOB_LIMITS)
  const nodes = await explain(db, look, harbour.tenant)
  expect(nodes.some((node) => node['Index Name'] === 'artifacts_by_content')).toBe(true)
  expect(rowsRead(nodes, 'artifacts')).toBeLessThanOrEqual(40)
})

test('an unchanged directory is planned without a copy', async () => {
  const harbour = await Harbour.open(catalog, `t-${newId()}` as TenantId)
  await harbour.store(['a', 'b'])
  const jobId = await openJob(harbour)
  expect(await plan(harbour, jobId, [copyOf('a', 'a'), copyOf('b', 'b')])).toEqual({ needed: [], copied: 0 })
  expect(await harbour.job(jobId)).toMatchObject({ files: { total: 0 } })
})

test('what has rotted counts as neither held nor there to be copied: it is sent again', async () => {
  const harbour = await Harbour.open(catalog, `t-${newId()}` as TenantId)
  await harbour.store(['a'])
  const { scrubs } = catalog.delivery
  const [artifact] = await scrubs.due(await scrubs.begin(0, { runId: harbour.run.runId }), 1)
  if (!artifact) throw new Error('there is no artifact')
  await scrubs.found(artifact, { rot: 'damaged' })
  const jobId = await openJob(harbour)
  const asked = [copyOf('a', 'a'), copyOf('a', 'copy')]
  expect(await plan(harbour, jobId, asked)).toEqual({ needed: ['a', 'copy'], copied: 0 })
})
