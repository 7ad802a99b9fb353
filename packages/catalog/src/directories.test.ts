import { createHash } from 'node:crypto'
import { type ArtifactPath, newId, type Sha256Hex } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import type { Seal } from './catalog.ts'
import { acceptedFile, failed, Harbour, openMigrated, stored } from './fixtures/harbour.ts'
import { OPEN, SEAL } from './fixtures/open-jobs.ts'
import type { Artifact, DirectoryEntry, Job } from './model.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog

beforeAll(async () => {
  catalog = await openMigrated(await freshDatabase())
})

afterAll(() => catalog.close())

async function add(harbour: Harbour, jobId: string, paths: readonly string[]): Promise<Job> {
  return await catalog.api.uploads.accept({ ...harbour.acceptance(paths), job: { kind: 'open', jobId } })
}

async function acceptAtomic(harbour: Harbour, paths: readonly string[]): Promise<Job> {
  return await catalog.api.uploads.accept({
    ...harbour.acceptance(paths),
    job: { kind: 'new', atomic: true },
  })
}

async function shown(harbour: Harbour): Promise<string[]> {
  const page = await catalog.api.artifacts.listDeep(harbour.run, '', { limit: 1000, cursor: undefined })
  return page.items.map(nameOf)
}

function nameOf(item: Artifact | DirectoryEntry): string {
  return 'isDirectory' in item ? `${item.path}/` : item.path
}

async function deliverAll(harbour: Harbour, etag = 'etag'): Promise<void> {
  for (const work of await harbour.take()) {
    const { publish } = await deliver(harbour, work, etag)
    if (publish) await catalog.delivery.delivery.publish(publish)
  }
}

async function deliver(harbour: Harbour, work: Awaited<ReturnType<Harbour['takeOne']>>, etag: string) {
  const begun = await harbour.begin(work)
  return await harbour.settle(
    work,
    begun.flatMap((b) =>
      b.verdict === 'go' ? [{ fileId: b.fileId, state: 'stored', object: b.object, etag }] : [],
    ),
  )
}

test('what many requests add to an open job is delivered while it is open, and the job ends when it is sealed', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await catalog.api.jobs.open(harbour.run, OPEN)
  await Promise.all(
    Array.from({ length: 16 }, (_, rank) => add(harbour, jobId, [`rank-${rank}/a`, `rank-${rank}/b`])),
  )
  await deliverAll(harbour)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'open', files: { total: 32, stored: 32 } })
  expect(await shown(harbour)).toHaveLength(32)
  expect(await catalog.api.jobs.seal(harbour.tenant, jobId, { ...SEAL, files: 32 })).toMatchObject({
    state: 'completed',
  })
  await expect(add(harbour, jobId, ['late'])).rejects.toMatchObject({ code: 'job_state_conflict' })
  expect(await shown(harbour)).not.toContain('late')
  expect(await catalog.api.jobs.seal(harbour.tenant, jobId, SEAL)).toMatchObject({ state: 'completed' })
})

test('a job that is sealed before its files are delivered ends with the last of them', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await catalog.api.jobs.open(harbour.run, OPEN)
  await add(harbour, jobId, ['a'])
  expect(await catalog.api.jobs.seal(harbour.tenant, jobId, SEAL)).toMatchObject({ state: 'queued' })
  await deliverAll(harbour)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed' })
})

test('a job whose files are not those that were expected stays open', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await catalog.api.jobs.open(harbour.run, { ...OPEN, expectedFiles: 2 })
  await add(harbour, jobId, ['a'])
  await add(harbour, jobId, ['a'])
  const seal = (given: Partial<Seal>) => catalog.api.jobs.seal(harbour.tenant, jobId, { ...SEAL, ...given })
  await expect(seal({})).rejects.toMatchObject({
    code: 'manifest_mismatch',
    detail: expect.stringContaining('1 files'),
  })
  await add(harbour, jobId, ['b'])
  const line = (path: string) => `${path}\t10\t${acceptedFile(path).sha256}\n`
  const digest = (text: string) => createHash('sha256').update(text).digest('hex') as Sha256Hex
  await expect(seal({ manifestSha256: digest('other') })).rejects.toMatchObject({ code: 'manifest_mismatch' })
  expect(await harbour.job(jobId)).toMatchObject({ state: 'open' })
  expect(await seal({ manifestSha256: digest(line('a') + line('b')) })).toMatchObject({
    sealedAt: expect.any(Date),
  })
})

test('a job with shards is sealed by the last of them, in any order, each as often as it likes', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await catalog.api.jobs.open(harbour.run, { ...OPEN, shards: 3 })
  const seal = (shard: number | undefined) => catalog.api.jobs.seal(harbour.tenant, jobId, { ...SEAL, shard })
  await expect(seal(3)).rejects.toMatchObject({ code: 'validation_failed' })
  await expect(seal(undefined)).rejects.toMatchObject({ code: 'validation_failed' })
  await Promise.all([seal(2), seal(2), seal(0)])
  expect(await harbour.job(jobId)).toMatchObject({ state: 'open' })
  expect(await seal(1)).toMatchObject({ state: 'completed' })
})

test('an open job fails after its deadline by the names of the missing shards, and what it took is delivered', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await catalog.api.jobs.open(harbour.run, {
    ...OPEN,
    shards: 4,
    deadline: new Date(Date.now() - 1),
  })
  await add(harbour, jobId, ['a'])
  await catalog.api.jobs.seal(harbour.tenant, jobId, { ...SEAL, shard: 2 })
  expect(await catalog.delivery.sweeps.failOverdueJobs()).toBeGreaterThan(0)
  await deliverAll(harbour)
  expect(await harbour.job(jobId)).toMatchObject({
    state: 'failed',
    error: { code: 'deadline_passed', detail: 'not sealed in time: shards 0, 1, 3' },
  })
  expect(await shown(harbour)).toEqual(['a'])
  const late = { code: 'job_state_conflict' }
  await expect(catalog.api.jobs.seal(harbour.tenant, jobId, { ...SEAL, shard: 0 })).rejects.toMatchObject(
    late,
  )
  await expect(catalog.api.jobs.retry(harbour.tenant, jobId)).rejects.toMatchObject(late)
})

test('an atomic job whose deadline passed shows nothing, whoever died before it was ended', async () => {
  const harbour = await Harbour.open(catalog)
  const deadline = new Date(Date.now() - 1)
  const { jobId } = await catalog.api.jobs.open(harbour.run, { ...OPEN, atomic: true, deadline })
  await add(harbour, jobId, ['a'])
  await deliverAll(harbour)
  await catalog.delivery.sweeps.failOverdueJobs()
  await catalog.delivery.delivery.publish(jobId)
  await catalog.delivery.sweeps.endJobs()
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed', error: { code: 'deadline_passed' } })
  expect(await catalog.delivery.sweeps.publishable(1000)).not.toContain(jobId)
  expect(await shown(harbour)).toEqual([])
})

test('an open job that is cancelled ends, with nothing of an atomic one shown', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await catalog.api.jobs.open(harbour.run, { ...OPEN, atomic: true })
  await add(harbour, jobId, ['a'])
  await deliverAll(harbour)
  expect(await catalog.api.jobs.cancel(harbour.tenant, jobId)).toMatchObject({ state: 'cancelled' })
  await catalog.delivery.delivery.publish(jobId)
  expect(await shown(harbour)).toEqual([])
})

test('an atomic job shows nothing until all of it is there, and then everything', async () => {
  const harbour = await Harbour.open(catalog)
  const paths = Array.from({ length: 120 }, (_, index) => `d/${String(index).padStart(3, '0')}`)
  const { jobId } = await acceptAtomic(harbour, paths)
  const works = await harbour.take()
  const publishes: (string | undefined)[] = []
  for (const work of works) {
    expect(await shown(harbour)).toEqual([])
    publishes.push((await deliver(harbour, work, 'etag')).publish)
  }
  expect(publishes).toEqual([...works.slice(1).map(() => undefined), jobId])
  expect(await harbour.job(jobId)).toMatchObject({ state: 'running' })
  expect(await catalog.delivery.sweeps.publishable(10)).toContain(jobId)
  await catalog.delivery.delivery.publish(jobId)
  await catalog.delivery.delivery.publish(jobId)
  expect(await shown(harbour)).toEqual(paths)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', endedAt: expect.any(Date) })
})

test('what an atomic job replaces stays as it is until that instant, and its object is moved to its key afterwards', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['a'])
  const before = await catalog.api.artifacts.get(harbour.run, 'a' as ArtifactPath)
  const { jobId } = await acceptAtomic(harbour, ['a', 'b'])
  const work = await harbour.takeOne()
  const begun = await harbour.begin(work)
  expect(await catalog.api.artifacts.get(harbour.run, 'a' as ArtifactPath)).toEqual(before)
  const keys = begun.map((b) => (b.verdict === 'go' ? b.object.key : ''))
  expect(keys).not.toContain(before?.key)
  expect(keys.filter((key) => key.includes('/staging/'))).toHaveLength(1)
  expect(await harbour.begin(work)).toEqual(begun)
  await deliverAll(harbour)
  const { publish } = await deliver(harbour, work, 'newer')
  expect(publish).toBe(jobId)
  await catalog.delivery.delivery.publish(jobId)
  const after = await catalog.api.artifacts.get(harbour.run, 'a' as ArtifactPath)
  expect(after).toMatchObject({ jobId, etag: 'newer', state: 'stored' })
  expect(keys).toContain(after?.key)

  const [move] = await catalog.delivery.staging.takeMoves(10, 60_000)
  if (!move) throw new Error('nothing was to be moved')
  expect(await catalog.delivery.staging.takeMoves(10, 60_000)).toEqual([])
  expect(move.to).toEqual({ bucket: before?.bucket, key: before?.key })
  const newer = await harbour.accept(['a'])
  const waiting = await harbour.takeOne()
  expect(await harbour.begin(waiting)).toMatchObject([{ verdict: 'wait' }])
  expect(await catalog.delivery.staging.useless(0, 10)).toEqual([])
  await catalog.delivery.staging.moved(move, 'moved')
  expect(await catalog.api.artifacts.get(harbour.run, 'a' as ArtifactPath)).toMatchObject({
    key: before?.key,
    etag: 'moved',
  })
  expect(await catalog.delivery.staging.useless(0, 10)).toEqual([{ fileId: move.fileId, object: move.from }])
  await catalog.delivery.staging.forget(move.fileId)
  expect(await harbour.begin(waiting)).toMatchObject([{ verdict: 'go', replaces: { etag: 'moved' } }])
  await harbour.settle(waiting, stored(waiting, 'newest'))
  expect(await harbour.job(newer.jobId)).toMatchObject({ state: 'completed' })
})

test('an atomic job does not show a file for whose path a newer one was accepted meanwhile', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await acceptAtomic(harbour, ['a', 'b'])
  const work = await harbour.takeOne()
  await deliver(harbour, work, 'atomic')
  const newer = await harbour.store(['a'])
  await catalog.delivery.delivery.publish(jobId)
  expect(await catalog.api.artifacts.get(harbour.run, 'a' as ArtifactPath)).toMatchObject({
    jobId: newer.jobId,
  })
  expect(await catalog.api.artifacts.get(harbour.run, 'b' as ArtifactPath)).toMatchObject({ jobId })
})

test('an atomic job with a failed file shows nothing, and everything once that file was retried', async () => {
  const harbour = await Harbour.open(catalog)
  const paths = Array.from({ length: 60 }, (_, index) => `f/${index}`)
  const { jobId } = await acceptAtomic(harbour, paths)
  const [first, second] = await harbour.take()
  if (!first || !second) throw new Error('two pieces of work were expected')
  await harbour.begin(first)
  await harbour.settle(first, [...stored(first).slice(1), ...failed(first).slice(0, 1)])
  expect((await deliver(harbour, second, 'etag')).publish).toBeUndefined()
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed', files: { failed: 1, stored: 59 } })
  await catalog.delivery.delivery.publish(jobId)
  expect(await shown(harbour)).toEqual([])
  await catalog.api.jobs.retry(harbour.tenant, jobId)
  await deliverAll(harbour)
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', files: { failed: 0, stored: 60 } })
  expect(await shown(harbour)).toHaveLength(60)
})

test('what a failed atomic job has delivered is to be deleted when its time is over', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['old'])
  const { jobId } = await acceptAtomic(harbour, ['bad', 'fresh', 'old'])
  const work = await harbour.takeOne()
  const begun = await harbour.begin(work)
  const outcomes = begun.flatMap((b) =>
    b.verdict === 'go' ? [{ fileId: b.fileId, state: 'stored' as const, object: b.object, etag: 'e' }] : [],
  )
  const bad = work.files.find((file) => file.path === 'bad')?.fileId
  await harbour.settle(work, [
    ...outcomes.filter((outcome) => outcome.fileId !== bad),
    ...failed(work).filter((outcome) => outcome.fileId === bad),
  ])
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed' })
  expect(await catalog.delivery.staging.useless(60_000, 10)).toEqual([])
  expect(await catalog.delivery.staging.expireUnpublished(60_000, 10)).toBe(0)
  expect(await catalog.delivery.staging.expireUnpublished(0, 10)).toBeGreaterThan(0)
  expect((await catalog.delivery.staging.useless(0, 10)).map(({ object }) => object.key)).toEqual([
    expect.stringContaining('/staging/'),
  ])
})

test('empty directories are listed as such, and never as what they are not', async () => {
  const harbour = await Harbour.open(catalog)
  const acceptance = harbour.acceptance(['d/file', 'd-x'])
  const directory = (path: string) => ({
    ...acceptedFile(path, 0, 0),
    type: 'directory' as const,
    mode: 0o755,
  })
  await catalog.api.uploads.accept({
    ...acceptance,
    files: [...acceptance.files, directory('empty'), directory('d/inner'), directory('d/inner/most')],
  })
  await deliverAll(harbour)
  expect(await shown(harbour)).toEqual(['d-x', 'd/file', 'd/inner/', 'd/inner/most/', 'empty/'])
  const level = async (path: string, limit = 1000) => {
    const names: string[] = []
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await catalog.api.artifacts.listLevel(harbour.run, path, { limit, cursor })
      names.push(...page.items.map(nameOf))
      cursor = page.nextCursor
    }
    return names
  }
  for (const limit of [1, 2, 1000]) {
    expect(await level('', limit)).toEqual(['d-x', 'd/', 'empty/'])
    expect(await level('d', limit)).toEqual(['d/file', 'd/inner/'])
    expect(await level('empty', limit)).toEqual([])
  }
  await expect(catalog.api.uploads.checkPaths(harbour.run, ['empty'])).rejects.toMatchObject({
    code: 'path_conflict',
  })
  await expect(catalog.api.uploads.checkPaths(harbour.run, ['d-x/'])).rejects.toMatchObject({
    code: 'path_conflict',
  })
  await catalog.api.uploads.checkPaths(harbour.run, ['empty/now-not'])
})

test('a directory is deleted as a job, which ends when its last object is gone', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['d/a', 'd/b/c', 'd-x'])
  const job = await catalog.api.artifacts.deleteDirectory(harbour.run, 'd' as ArtifactPath)
  expect(job).toMatchObject({ kind: 'delete', state: 'running', files: { total: 2, stored: 0 } })
  expect(await shown(harbour)).toEqual(['d-x'])
  await expect(catalog.api.jobs.cancel(harbour.tenant, job?.jobId ?? '')).rejects.toMatchObject({
    code: 'job_state_conflict',
  })
  await harbour.store(['d/a'])
  for (const deletion of await catalog.delivery.sweeps.takeDeletions(100, 60_000)) {
    await catalog.delivery.sweeps.deletionDone(deletion)
  }
  expect(await harbour.job(job?.jobId ?? '')).toMatchObject({
    state: 'completed',
    files: { total: 2, stored: 2 },
  })
  expect(await shown(harbour)).toEqual(['d-x', 'd/a'])
  expect(await catalog.api.artifacts.deleteDirectory(harbour.run, 'none' as ArtifactPath)).toBeUndefined()
})

test('only what neither the job nor the run holds is still needed', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(['in-run', 'changed'])
  const { jobId } = await catalog.api.jobs.open(harbour.run, OPEN)
  await add(harbour, jobId, ['in-job'])
  const planned = (path: string, of = path) => {
    const { size, sha256 } = acceptedFile(of)
    return { path: path as ArtifactPath, size, sha256 }
  }
  const files = [planned('missing'), planned('in-run'), planned('changed', 'other'), planned('in-job')]
  const { plan } = catalog.api.jobs
  expect(await plan(harbour.run, jobId, files, { copy: true })).toEqual({
    needed: ['missing', 'changed'],
    copied: 0,
  })
  expect(await plan(harbour.run, newId(), files, { copy: true })).toBeUndefined()
})

test('a request of more files than one statement takes is one job', async () => {
  const harbour = await Harbour.open(catalog)
  const paths = Array.from({ length: 20_000 }, (_, index) => `many/${index}`)
  const { jobId } = await acceptAtomic(harbour, paths)
  expect(await harbour.job(jobId)).toMatchObject({ files: { total: 20_000 } })
})
