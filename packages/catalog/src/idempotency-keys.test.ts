import { newId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Harbour, openMigrated } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog

beforeAll(async () => {
  catalog = await openMigrated(await freshDatabase())
})

afterAll(() => catalog.close())

const REQUEST = 'PUT /a'
const IN_FLIGHT = { code: 'idempotency_key_in_flight', retryAfter: 1 }

async function setUp() {
  const harbour = await Harbour.open(catalog)
  const { idempotency } = catalog.api
  const begin = (holder: string, leaseMs = 60_000, request = REQUEST) =>
    idempotency.begin(harbour.tenant, 'key', request, holder, leaseMs)
  return { harbour, idempotency, begin }
}

test('of many requests with one key, one holds it, and the others are told to come again', async () => {
  const { begin } = await setUp()
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => begin(newId())))
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject(IN_FLIGHT)
})

test('a key whose holder was killed is taken over after its lease, and not before', async () => {
  const { begin, idempotency, harbour } = await setUp()
  const [first, second] = [newId(), newId()]
  expect(await begin(first, -1)).toEqual({ state: 'begun' })
  await idempotency.renew(harbour.tenant, 'key', first, 60_000)
  await expect(begin(second)).rejects.toMatchObject(IN_FLIGHT)
  await idempotency.renew(harbour.tenant, 'key', first, -1)
  expect(await begin(second)).toEqual({ state: 'begun' })
  await idempotency.renew(harbour.tenant, 'key', first, -1)
  await expect(begin(newId())).rejects.toMatchObject(IN_FLIGHT)
})

test('a key that was released is anyone’s, and only its holder releases it', async () => {
  const { begin, idempotency, harbour } = await setUp()
  const holder = newId()
  await begin(holder)
  await idempotency.release(harbour.tenant, 'key', newId())
  await expect(begin(newId())).rejects.toMatchObject(IN_FLIGHT)
  await idempotency.release(harbour.tenant, 'key', holder)
  expect(await begin(newId(), 60_000, 'PUT /b')).toEqual({ state: 'begun' })
})

test('a key that was accepted answers with its job for good, whatever its holder does', async () => {
  const { begin, idempotency, harbour } = await setUp()
  const holder = newId()
  await begin(holder, -1)
  const { jobId } = await catalog.api.uploads.accept({
    ...harbour.acceptance(['a']),
    idempotency: { key: 'key', holder, content: 'digest' },
  })
  await idempotency.release(harbour.tenant, 'key', holder)
  await idempotency.renew(harbour.tenant, 'key', holder, -1)
  for (const again of [holder, newId()]) {
    expect(await begin(again)).toEqual({ state: 'done', jobId, content: 'digest' })
  }
})

test('a key that was used for another request is refused, whether that has ended or not', async () => {
  const { begin, harbour } = await setUp()
  const holder = newId()
  const reused = { code: 'idempotency_key_reused' }
  await begin(holder, -1)
  await expect(begin(newId(), 60_000, 'PUT /b')).rejects.toMatchObject(reused)
  await catalog.api.uploads.accept({
    ...harbour.acceptance(['a']),
    idempotency: { key: 'key', holder, content: '' },
  })
  await expect(begin(newId(), 60_000, 'PUT /b')).rejects.toMatchObject(reused)
})

test('the same key of another tenant is another key', async () => {
  const [one, other] = [await setUp(), await setUp()]
  await one.begin(newId())
  expect(await other.begin(newId())).toEqual({ state: 'begun' })
})
