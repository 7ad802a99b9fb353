import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database, type Sql } from './database.ts'
import { Plans } from './plans.ts'
import { nameOfPrepared, prepared } from './prepared.ts'

const DOUBLE = prepared('SELECT :n::int * 2 AS doubled')
const ALL = prepared('SELECT * FROM things')

let url: string
let db: Database
let warnings: string[]

beforeEach(async () => {
  url = await freshDatabase()
  warnings = []
  const warn = (_fields: object, message: string) => warnings.push(message)
  db = new Database({ url, poolSize: 1, timeoutMs: 5_000, log: { debug: () => {}, warn } })
  await db.query('CREATE TABLE things (id int PRIMARY KEY)')
})

afterEach(() => db.close())

const double = (sql: Sql, n: number) => sql.query(DOUBLE, { n })

/** How often the one connection has run the statement by its name. */
async function runsByName(text: string): Promise<number> {
  const [row] = await db.query<{ runs: number }>(
    'SELECT generic_plans + custom_plans AS runs FROM pg_prepared_statements WHERE name = :name',
    { name: nameOfPrepared(text) },
  )
  return row?.runs ?? 0
}

test('a connection is told of a prepared statement once, and runs it by its name', async () => {
  expect(await double(db, 2)).toEqual([{ doubled: 4 }])
  expect(await db.transaction((sql) => double(sql, 3))).toEqual([{ doubled: 6 }])
  expect(await runsByName(DOUBLE)).toBe(2)
})

describe.each<readonly [how: string, forget: (sql: Sql) => Promise<unknown>, text: string]>([
  ['when a pooler has handed out another session', (sql) => sql.query('DEALLOCATE ALL'), DOUBLE],
  ['when a migration changes what it gives', (sql) => sql.query('ALTER TABLE things ADD name text'), ALL],
])('%s, a prepared statement', (_how, forget, text) => {
  test('goes on, planned each time from then on', async () => {
    const before = await db.query(text, { n: 2 })
    await forget(db)
    expect(await db.query(text, { n: 2 })).toEqual(before)
    const runs = await runsByName(text)
    expect(await db.query(text, { n: 2 })).toEqual(before)
    expect(await runsByName(text)).toBe(runs)
    expect(warnings).toHaveLength(1)
  })

  test('has its transaction run again, and once', async () => {
    await db.query(text, { n: 2 })
    await forget(db)
    await db.transaction(async (sql) => {
      await sql.query('INSERT INTO things (id) VALUES (1)')
      await sql.query(text, { n: 2 })
    })
    expect(await db.query('SELECT id FROM things')).toEqual([{ id: 1 }])
  })
})

test('a plan from when a table was empty is made anew when the table has grown', async () => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const plans = new Plans(0)
  await plans.renew(client)
  await client.query('ALTER TABLE things SET (autovacuum_enabled = off)')
  await client.query('ANALYZE things; SET plan_cache_mode = force_generic_plan')
  await client.query('PREPARE one (int) AS SELECT id FROM things WHERE id = $1')
  const plan = async () => (await client.query('EXPLAIN EXECUTE one (7)')).rows.map(Object.values).join('\n')
  await client.query('SET enable_bitmapscan = off')
  await client.query('INSERT INTO things SELECT generate_series(1, 5)')
  const early = await plan()
  await client.query('INSERT INTO things SELECT generate_series(6, 50000)')
  expect(await plan()).toBe(early)
  await plans.renew(client)
  expect(await plan()).not.toBe(early)
  await client.end()
})
