import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Harbour, openMigrated, SILENT, stored } from './fixtures/harbour.ts'
import { type Catalog, openCatalog } from './open.ts'

let catalog: Catalog
let url: string

beforeAll(async () => {
  url = await freshDatabase()
  catalog = await openMigrated(url)
})

afterAll(() => catalog.close())

test('three accepted files are leased, delivered, catalogued, and their job is completed', async () => {
  const harbour = await Harbour.open(catalog)
  const job = await harbour.accept(['model.pkl', 'plots/loss.png', 'plots/roc.svg'])
  expect(job).toMatchObject({
    state: 'queued',
    files: { total: 3, stored: 0 },
    bytes: { total: 30, done: 0 },
    error: undefined,
    startedAt: undefined,
    endedAt: undefined,
    cancelRequested: false,
  })
  expect(await catalog.delivery.backlog.routes()).toContain(harbour.spoolId)

  const work = await harbour.takeOne()
  expect(work).toMatchObject({ jobId: job.jobId, tenantId: harbour.tenant, attempts: 1, expiries: 0 })
  expect(work.files.map(({ path }) => path)).toEqual(['model.pkl', 'plots/loss.png', 'plots/roc.svg'])
  expect(work.files[0]?.object).toEqual({
    bucket: 'bucket',
    key: `${harbour.run.location.prefix}model.pkl`,
  })

  const beginnings = await catalog.delivery.delivery.begin(
    work.ticket,
    work.files.map(({ fileId }) => fileId),
  )
  expect(beginnings.map(({ verdict }) => verdict)).toEqual(['go', 'go', 'go'])
  expect(await harbour.job(job.jobId)).toMatchObject({ state: 'running' })

  const settled = await catalog.delivery.delivery.settle(work.ticket, stored(work))
  expect(settled).toEqual({ moved: 3, freePacks: [work.files[0]?.packId] })
  expect(await harbour.job(job.jobId)).toMatchObject({
    state: 'completed',
    files: { total: 3, stored: 3, failed: 0 },
    bytes: { total: 30, done: 30 },
  })

  const page = { limit: 10, cursor: undefined }
  const root = await catalog.api.artifacts.listLevel(harbour.run, '', page)
  expect(root.items).toMatchObject([
    { path: 'model.pkl', state: 'stored' },
    { path: 'plots', isDirectory: true },
  ])
  const plots = await catalog.api.artifacts.listLevel(harbour.run, 'plots', page)
  expect(plots.items.map(({ path }) => path)).toEqual(['plots/loss.png', 'plots/roc.svg'])
  const deep = await catalog.api.artifacts.listDeep(harbour.run, '', page)
  expect(deep.items.map(({ path }) => path)).toEqual(['model.pkl', 'plots/loss.png', 'plots/roc.svg'])
})

test('migrations are taken back and run again, and by several processes at once only once', async () => {
  const own = await freshDatabase()
  const several = await Promise.all(Array.from({ length: 4 }, () => migrated(own)))
  const [first] = several as [Catalog, ...Catalog[]]
  expect(await first.migrateUp()).toEqual([])
  await first.api.check()
  const all = (await first.migrateDown()).toReversed()
  expect(all[0]).toBe('0001-catalog')
  await expect(first.api.check()).rejects.toMatchObject({
    code: 'catalog_unavailable',
    detail: `migrations are pending: ${all.join(', ')}; run "lading migrate"`,
  })
  const ran = await Promise.all(several.map((one) => one.migrateUp()))
  expect(ran.flat()).toEqual(all)
  await first.api.check()
  await Promise.all(several.map((one) => one.close()))
})

test('a catalog that is not yet reachable is opened all the same, and says so when it is asked', async () => {
  await using away = openCatalog({
    url: 'postgres://nobody@127.0.0.1:1/none',
    defaultBucket: 'bucket',
    log: SILENT,
    timeoutMs: 500,
  })
  await expect(away.api.check()).rejects.toMatchObject({ code: 'catalog_unavailable' })
})

async function migrated(own: string): Promise<Catalog> {
  const one = openCatalog({ url: own, defaultBucket: 'bucket', log: SILENT })
  await one.migrateUp()
  return one
}
