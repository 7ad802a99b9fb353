import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { freshDatabase } from '../../../test/support/provided.ts'
import { openMigrated } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let url: string
let one: Catalog
let other: Catalog

beforeAll(async () => {
  url = await freshDatabase()
  one = await openMigrated(url)
  other = await openMigrated(url)
})

afterAll(async () => {
  await one.close()
  await other.close()
})

test('of many who would lead, one does; when it steps down, the next one can', async () => {
  const asked = await Promise.all(
    [one, other, one, other].map((catalog) => catalog.delivery.leadership.tryTake()),
  )
  const [leader, ...more] = asked.filter((leadership) => leadership !== undefined)
  expect(more).toEqual([])
  expect(leader?.signal.aborted).toBe(false)
  expect(await other.delivery.leadership.tryTake()).toBeUndefined()
  await leader?.[Symbol.asyncDispose]()
  await using next = await until(() => other.delivery.leadership.tryTake(), { within: 10_000 })
  expect(next.signal.aborted).toBe(false)
})

test('a leader whose session is ended hears of it, and another takes over', async () => {
  await using leader = await until(() => one.delivery.leadership.tryTake(), { within: 10_000 })
  await endSessions('lading leader')
  await until(() => leader.signal.aborted, { within: 10_000 })
  await using next = await until(() => other.delivery.leadership.tryTake(), { within: 10_000 })
  expect(next.signal.aborted).toBe(false)
})

test('databases have leaders of their own', async () => {
  await using elsewhere = await openMigrated(await freshDatabase())
  await using here = await until(() => one.delivery.leadership.tryTake(), { within: 10_000 })
  await using there = await elsewhere.delivery.leadership.tryTake()
  expect([here, there].map((leadership) => leadership?.signal.aborted)).toEqual([false, false])
})

async function endSessions(applicationName: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()`,
    [applicationName],
  )
  await client.end()
}
