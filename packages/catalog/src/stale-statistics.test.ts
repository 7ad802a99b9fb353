import { keptPath } from '@lading/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import type { AcceptedFile } from './catalog.ts'
import { Database } from './database.ts'
import { acceptedFile, failed, Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import { OPEN, SEAL } from './fixtures/open-jobs.ts'
import type { Job } from './model.ts'
import type { Catalog } from './open.ts'

/**
 * Postgres takes statistics now and then, and plans by them until it takes the next: of a run, a job or an arrival that is
 * younger it believes that there is hardly a row. A plan that is good for one row is quadratic for all of these: what
 * follows would end with `catalog_unavailable`, when a statement has run for as long as it may: here, ten seconds for each.
 */
const FILES = 6_000
const DIRECTORIES = 600
const WORK_LIMITS = { files: 1_000, bytes: 1024 * 1024 * 1024 }

let catalog: Catalog
let harbour: Harbour

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url, { workLimits: WORK_LIMITS, wholeJobMs: 10_000 })
  const others = await Harbour.open(catalog)
  await others.store(Array.from({ length: 2_000 }, (_, index) => `before/${index}`))
  await using arrival = await catalog.api.uploads.arrive(others.tenant)
  await arrival.add(tree('before', 2_000))
  await takeStatistics(url)
  harbour = await Harbour.open(catalog)
})

afterAll(() => catalog.close())

async function takeStatistics(url: string): Promise<void> {
  const db = new Database({ url, poolSize: 1, timeoutMs: 10_000, log: SILENT })
  await db.query('ANALYZE')
  await db.close()
}

/** Files in directories of ten, each of which comes as an entry of its own, as in a tar. */
function tree(root: string, files: number): AcceptedFile[] {
  const paths = Array.from({ length: files }, (_, index) => `${root}/${index % DIRECTORIES}/${index}`)
  const directories = Array.from({ length: Math.min(files, DIRECTORIES) }, (_, index) => `${root}/${index}`)
  return [
    ...directories.map((path): AcceptedFile => ({ ...acceptedFile(path, 0, 0), type: 'directory' })),
    ...paths.map((path, index) => acceptedFile(path, index * 10)),
  ]
}

/** As a tar comes: in pages, looked through when all are there. */
async function acceptTree(root: string, job: 'atomic' | { jobId: string }): Promise<Job> {
  await using arrival = await catalog.api.uploads.arrive(harbour.tenant)
  const files = tree(root, FILES)
  for (let from = 0; from < files.length; from += 2_000) await arrival.add(files.slice(from, from + 2_000))
  const sum = await arrival.settle()
  if ('kind' in sum) throw new Error(`${sum.path} clashes`)
  expect(sum.files).toBe(FILES)
  return await catalog.api.uploads.accept({
    ...harbour.acceptance([]),
    job: job === 'atomic' ? { kind: 'new', atomic: true } : { kind: 'open', jobId: job.jobId },
    files: { arrivalId: arrival.arrivalId, ...sum },
  })
}

async function deliverAll(): Promise<void> {
  for (const work of await harbour.take()) {
    const begun = await harbour.begin(work)
    const outcomes = begun.flatMap(({ fileId, ...b }) =>
      b.verdict === 'go' ? [{ fileId, state: 'stored' as const, object: b.object, etag: 'etag' }] : [],
    )
    const { publish } = await harbour.settle(work, outcomes)
    if (publish !== undefined) await catalog.delivery.delivery.publish(publish)
  }
}

describe(`what is done with ${FILES} files takes no statement longer than it may, when statistics know nothing of them`, () => {
  test('an atomic directory is accepted, fails, is retried, delivered and shown', async () => {
    const { jobId } = await acceptTree('tree', 'atomic')
    for (const work of await harbour.take()) {
      await harbour.begin(work)
      await harbour.settle(work, failed(work))
    }
    expect(await harbour.job(jobId)).toMatchObject({ state: 'failed', files: { failed: FILES } })
    await catalog.api.jobs.retry(harbour.tenant, jobId)
    await deliverAll()
    expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', files: { stored: FILES } })
  })

  test('it is replaced as a whole', async () => {
    const { jobId } = await acceptTree('tree', 'atomic')
    await deliverAll()
    expect(await harbour.job(jobId)).toMatchObject({ state: 'completed' })
  })

  test('it is planned, and deleted', async () => {
    const open = await catalog.api.jobs.open(harbour.run, OPEN)
    const files = tree('tree', FILES).filter(({ type }) => type === 'file')
    const planned = await catalog.api.jobs.plan(harbour.run, open.jobId, files, { copy: true })
    expect(planned).toMatchObject({ needed: [] })
    const deletion = await catalog.api.artifacts.deleteDirectory(harbour.run, keptPath('tree'))
    expect(deletion).toMatchObject({ state: 'running', files: { total: FILES } })
  })

  test('it is added to an open job, sent again, sealed by its number, and cancelled', async () => {
    const { jobId } = await catalog.api.jobs.open(harbour.run, OPEN)
    await acceptTree('shards', { jobId })
    await acceptTree('shards', { jobId })
    await catalog.api.jobs.seal(harbour.tenant, jobId, { ...SEAL, files: FILES })
    await catalog.api.jobs.cancel(harbour.tenant, jobId)
    expect(await harbour.job(jobId)).toMatchObject({ state: 'cancelled' })
  })
})
