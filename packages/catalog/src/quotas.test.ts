import { type ArtifactPath, newId, type TenantId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import { Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'
import { NO_QUOTA } from './quotas.ts'

let catalog: Catalog
let url: string
let db: Database

beforeAll(async () => {
  url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 1, timeoutMs: 10_000, log: SILENT })
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

/** A tenant with a quota, of which nothing is known yet to the catalog. */
async function harbourWith(quota: Partial<typeof NO_QUOTA>): Promise<Harbour> {
  const tenant = `t-${newId()}` as TenantId
  await catalog.api.quotas.set(tenant, { ...NO_QUOTA, ...quota })
  return await Harbour.open(catalog, tenant)
}

function usage({ tenant }: Harbour) {
  return catalog.api.quotas.usage(tenant)
}

/** The rows that tell of its changes. */
async function changes({ tenant }: Harbour): Promise<number> {
  return (await db.query('SELECT 1 FROM usage_changes WHERE tenant_id = :tenant', { tenant })).length
}

const EXCEEDED = expect.objectContaining({ code: 'quota_exceeded' })

test('of uploads at the same moment, as many are accepted as there is room for, and not one more', async () => {
  const harbour = await harbourWith({ bytes: 100 })
  const sent = Array.from({ length: 25 }, (_, n) => harbour.accept([`f${n}`], 10))
  const ends = await Promise.allSettled(sent)
  const refused = ends.filter((end) => end.status === 'rejected').map((end) => end.reason)
  expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(10)
  expect(refused).toEqual(refused.map(() => EXCEEDED))
  expect(await usage(harbour)).toMatchObject({
    objects: 0,
    comingObjects: 10,
    comingBytes: 100,
    spooledBytes: 100,
  })
})

test('what is accepted counts until it is shown, and then as what is stored', async () => {
  const harbour = await harbourWith({ objects: 3 })
  await harbour.store(['a', 'b'])
  expect(await usage(harbour)).toMatchObject({ objects: 2, bytes: 20, comingObjects: 0, comingBytes: 0 })
  await harbour.accept(['c'])
  await expect(harbour.accept(['d'])).rejects.toMatchObject({
    code: 'quota_exceeded',
    status: 403,
    quota: { of: 'objects', used: 3, allowed: 3, asked: 1 },
    detail: expect.stringMatching(/^objects: the tenant has 3 \(1 of them still to be delivered\) of 3/),
  })
})

test('a file over another needs room until it is delivered, and then takes that of the other', async () => {
  const harbour = await harbourWith({ bytes: 50 })
  await harbour.store(['a'])
  await harbour.accept(['a'], 30)
  for (const work of await harbour.take()) await harbour.deliver(work)
  expect(await usage(harbour)).toMatchObject({ objects: 1, bytes: 30, comingBytes: 0 })
})

test('what is deleted, and what fails, gives its room back', async () => {
  const harbour = await harbourWith({ bytes: 20 })
  const { artifacts } = catalog.api
  await harbour.store(['d/a', 'd/b'])
  await expect(harbour.accept(['c'])).rejects.toEqual(EXCEEDED)
  await artifacts.delete(harbour.run, 'd/a' as ArtifactPath)
  await harbour.accept(['c'])
  await harbour.fail()
  await artifacts.deleteDirectory(harbour.run, 'd' as ArtifactPath)
  expect(await usage(harbour)).toMatchObject({ objects: 0, bytes: 0, comingObjects: 0, comingBytes: 0 })
})

test('a job that is tried again counts again', async () => {
  const harbour = await harbourWith({ objects: 9 })
  const { jobId } = await harbour.accept(['a'])
  await harbour.fail()
  expect(await usage(harbour)).toMatchObject({ comingObjects: 0 })
  await catalog.api.jobs.retry(harbour.tenant, jobId)
  expect(await usage(harbour)).toMatchObject({ comingObjects: 1, comingBytes: 10 })
})

test('a failed job is tried again only while nothing else has taken its room', async () => {
  const harbour = await harbourWith({ bytes: 10 })
  const { jobId } = await harbour.accept(['a'])
  await harbour.fail()
  await harbour.store(['b'])
  const retry = () => catalog.api.jobs.retry(harbour.tenant, jobId)
  await expect(retry()).rejects.toMatchObject({
    code: 'quota_exceeded',
    quota: { of: 'bytes', used: 10, allowed: 10, asked: 10 },
  })
  expect(await harbour.job(jobId)).toMatchObject({ state: 'failed' })
  await catalog.api.artifacts.delete(harbour.run, 'b' as ArtifactPath)
  expect(await retry()).toMatchObject({ state: 'queued' })
})

test('without a quota, accepting leaves nothing to add up; and of thousands of files, delivering leaves one row a statement', async () => {
  const harbour = await harbourWith({})
  await harbour.accept(Array.from({ length: 3_000 }, (_, n) => `f${n}`))
  expect(await changes(harbour)).toBe(0)
  expect(await usage(harbour)).toMatchObject({
    comingObjects: 3_000,
    comingBytes: 30_000,
    spooledBytes: 30_000,
  })
  const work = await harbour.take()
  for (const one of work) await harbour.deliver(one)
  expect(await changes(harbour)).toBe(work.length)
  expect(await usage(harbour)).toMatchObject({
    objects: 3_000,
    bytes: 30_000,
    comingObjects: 0,
    comingBytes: 0,
  })
})

test('what came before its tenant had a quota counts, too, and what came while it had one does when it has none', async () => {
  const harbour = await harbourWith({})
  await harbour.accept(['a', 'b'])
  await using meanwhile = await openMigrated(url)
  await meanwhile.api.quotas.set(harbour.tenant, { ...NO_QUOTA, objects: 3 })
  const inQuota = new Harbour(meanwhile, harbour.run, harbour.spoolId)
  await inQuota.accept(['c'])
  await expect(inQuota.accept(['d'])).rejects.toMatchObject({ quota: { of: 'objects', used: 3, allowed: 3 } })
  await meanwhile.api.quotas.clear(harbour.tenant)
  expect(await usage(harbour)).toMatchObject({ comingObjects: 3, comingBytes: 30, spooledBytes: 30 })
  for (const work of await harbour.take()) await harbour.deliver(work)
  expect(await usage(harbour)).toMatchObject({ objects: 3, bytes: 30, comingObjects: 0, comingBytes: 0 })
})

test.each([{}, { objects: 9 }])(
  'an atomic job counts in full until the instant that shows it (quota: %o)',
  async (quota) => {
    const harbour = await harbourWith(quota)
    const { jobId } = await catalog.api.uploads.accept({
      ...harbour.acceptance(['a', 'b']),
      job: { kind: 'new', atomic: true },
    })
    for (const work of await harbour.take()) await harbour.deliver(work)
    expect(await usage(harbour)).toMatchObject({ objects: 0, comingObjects: 2, comingBytes: 20 })
    await catalog.delivery.delivery.publish(jobId)
    expect(await usage(harbour)).toMatchObject({ objects: 2, bytes: 20, comingObjects: 0, comingBytes: 0 })
  },
)

test('bytes in temporary storage count until their pack is dropped', async () => {
  const harbour = await harbourWith({ spooledBytes: 15 })
  const { pack } = harbour.acceptance([])
  await catalog.api.uploads.accept({ ...harbour.acceptance(['a']), pack: { ...pack, bytes: 10 } })
  await expect(harbour.accept(['b'])).rejects.toMatchObject({ code: 'backlog_full', retryAfter: 5 })
  for (const work of await harbour.take()) await harbour.deliver(work)
  await catalog.delivery.packs.dropped([pack.packId])
  await harbour.accept(['b'])
})

test('adding changes up, at the same moment as others do and while more come, loses and doubles none', async () => {
  const harbour = await harbourWith({ objects: 99 })
  const work = Array.from({ length: 30 }, async (_, n) => {
    await harbour.accept([`f${n}`])
    await catalog.api.quotas.addUp(n % 2 === 0 ? harbour.tenant : undefined)
    return await usage(harbour)
  })
  await Promise.all(work)
  expect(await usage(harbour)).toMatchObject({ comingObjects: 30, comingBytes: 300 })
})

test('a quota that is set in part leaves the rest to the defaults, and is gone when it is cleared', async () => {
  await using other = await openMigrated(await freshDatabase(), {
    quota: { ...NO_QUOTA, bytes: 7, objects: 8 },
  })
  const { quotas } = other.api
  const [some, none] = ['some', 'none'] as TenantId[] as [TenantId, TenantId]
  await quotas.set(some, { ...NO_QUOTA, objects: 5 })
  expect(await quotas.of(some)).toMatchObject({ bytes: 7, objects: 5, spooledBytes: undefined })
  expect(await quotas.of(none)).toMatchObject({ bytes: 7, objects: 8 })
  expect(await quotas.list()).toEqual([{ tenantId: some, quota: { ...NO_QUOTA, objects: 5 } }])
  expect([await quotas.clear(some), await quotas.clear(some)]).toEqual([true, false])
})

test('a rate is shared by all who take of it, and what is taken too many comes back first', async () => {
  const { quotas } = catalog.api
  const tenant = `t-${newId()}` as TenantId
  const bucket = { kind: 'bytes', rate: 0.001, burst: 10 } as const
  const taken = await Promise.all(Array.from({ length: 8 }, () => quotas.take(tenant, bucket, 4)))
  expect(taken.filter(({ granted }) => granted)).toHaveLength(3)
  expect(await quotas.take(tenant, bucket, 1)).toMatchObject({ granted: false })
  await quotas.adjust(tenant, bucket, 8)
  expect(await quotas.take(tenant, bucket, 1)).toMatchObject({ granted: true })
})
