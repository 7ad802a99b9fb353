import { newId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { failed, Harbour, onlyFile, openMigrated, stored } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog

beforeAll(async () => {
  catalog = await openMigrated(await freshDatabase())
})

afterAll(() => catalog.close())

async function accepted() {
  const harbour = await Harbour.open(catalog)
  const acceptance = harbour.acceptance(['a'])
  const { jobId } = await catalog.api.uploads.accept(acceptance)
  const { packId } = acceptance.pack
  const status = async () => (await catalog.delivery.packs.status([packId])).get(packId)
  return { harbour, jobId, packId, status }
}

test('a pack is needed until its files are delivered', async () => {
  const { harbour, status } = await accepted()
  expect(await status()).toBe('needed')
  const work = await harbour.takeOne()
  await harbour.begin(work)
  expect(await status()).toBe('needed')
  await harbour.settle(work, stored(work))
  expect(await status()).toBe('free')
})

test('a pack that the catalog does not know is told apart from one that is free', async () => {
  const { packId } = await accepted()
  const unknown = newId()
  expect(await catalog.delivery.packs.status([unknown, packId])).toEqual(
    new Map([
      [unknown, 'unknown'],
      [packId, 'needed'],
    ]),
  )
  expect(await catalog.delivery.packs.status([])).toEqual(new Map())
})

test('the pack of a cancelled job is free', async () => {
  const { harbour, jobId, status } = await accepted()
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  expect(await status()).toBe('free')
})

test('the pack of a failed file is kept for a retry, as long as was asked for, and given out once', async () => {
  const { harbour, jobId, packId, status } = await accepted()
  const { packs } = catalog.delivery
  expect(await packs.expired(harbour.spoolId, -1, 10)).toEqual([])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  expect(await harbour.settle(work, failed(work))).toMatchObject({ freePacks: [] })
  expect(await status()).toBe('needed')
  expect(await packs.expired(harbour.spoolId, 60_000, 10)).toEqual([])
  expect(await packs.expired('another spool', -1, 10)).toEqual([])
  expect(await packs.expired(harbour.spoolId, -1, 10)).toEqual([packId])
  expect(await packs.expired(harbour.spoolId, -1, 10)).toEqual([])
  expect(await status()).toBe('free')
  await expect(catalog.api.jobs.retry(harbour.tenant, jobId)).rejects.toMatchObject({ code: 'spool_lost' })
})

test('a pack of a job that is being tried again does not expire', async () => {
  const { harbour, jobId } = await accepted()
  await harbour.fail()
  await catalog.api.jobs.retry(harbour.tenant, jobId)
  expect(await catalog.delivery.packs.expired(harbour.spoolId, -1, 10)).toEqual([])
  expect(onlyFile(await harbour.takeOne()).path).toBe('a')
})

test('of a retry and an expiry at once, one happens', async () => {
  for (let n = 0; n < 10; n++) {
    const { harbour, jobId } = await accepted()
    await harbour.fail()
    const [retry, expired] = await Promise.allSettled([
      catalog.api.jobs.retry(harbour.tenant, jobId),
      catalog.delivery.packs.expired(harbour.spoolId, -1, 10),
    ])
    const dropped = expired.status === 'fulfilled' && expired.value.length > 0
    expect(retry.status).toBe(dropped ? 'rejected' : 'fulfilled')
  }
})

test('a pack that was dropped is free, and saying so twice does no harm', async () => {
  const { packId, status } = await accepted()
  await catalog.delivery.packs.dropped([packId])
  await catalog.delivery.packs.dropped([packId, newId()])
  await catalog.delivery.packs.dropped([])
  expect(await status()).toBe('free')
})
