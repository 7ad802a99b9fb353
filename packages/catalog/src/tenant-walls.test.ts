import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database, type Sql } from './database.ts'
import { explain, rowsRead } from './fixtures/explain.ts'
import { Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import { oneOfEach } from './fixtures/one-of-each.ts'
import { down, up } from './migrations/0006-tenant-walls.ts'
import type { Catalog } from './open.ts'
import { checkPaths } from './path-clashes.ts'

/** Every table that has a tenant's rows. A new one belongs here, unless no tenant has anything in it. */
const OF_TENANTS = {
  arrivals: undefined,
  arriving_files: 'arrivals',
  artifacts: 'runs',
  deletions: 'runs',
  experiments: undefined,
  files: 'jobs',
  idempotency_keys: undefined,
  job_shards: 'jobs',
  jobs: 'runs',
  packs: 'jobs',
  path_heads: 'runs',
  resumable_uploads: 'runs',
  runs: 'experiments',
  staging: 'jobs',
  tenants: undefined,
  unpublished: 'jobs',
  upload_parts: 'uploads',
  uploads: 'jobs',
  work_items: 'jobs',
} as const

/** Tables that nothing that is done for a tenant reaches at all. */
const OUT_OF_REACH = [
  'api_keys',
  'lading_migrations',
  'lading_migrations_lock',
  'quotas',
  'rate_buckets',
  'tenant_usage',
  'token_secret',
  'usage_changes',
  'workers',
]

const REFUSED = { code: '42501' }

let catalog: Catalog
let db: Database
let ours: Harbour
let theirs: Harbour
let asUs: Sql

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 2, timeoutMs: 10_000, log: SILENT })
  ours = await oneOfEach(catalog)
  theirs = await oneOfEach(catalog)
  asUs = db.of(ours.tenant)
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

test('every table that a tenant can reach has a wall, and no other is there', async () => {
  const tables = await db.query<{ name: string; walled: boolean; reached: boolean }>(
    `SELECT c.relname AS name, c.relrowsecurity AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid) AS walled,
       has_table_privilege('lading_tenant', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS reached
     FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname`,
  )
  const walled = tables.filter((table) => table.walled && table.reached).map(({ name }) => name)
  const outOfReach = tables.filter((table) => !table.walled && !table.reached).map(({ name }) => name)
  expect(walled).toEqual(Object.keys(OF_TENANTS))
  expect(outOfReach).toEqual(OUT_OF_REACH)
  expect(tables).toHaveLength(walled.length + outOfReach.length)
})

describe.each(Object.entries(OF_TENANTS))('of %s, a statement that forgets whose it is', (table, parent) => {
  test('sees its own rows only', async () => {
    const seen = await asUs.query<{ tenantId: string }>(`SELECT tenant_id FROM ${table}`)
    const all = await db.query<{ tenantId: string }>(`SELECT tenant_id FROM ${table}`)
    const own = all.filter(({ tenantId }) => tenantId === ours.tenant)
    expect(own.length).toBeGreaterThan(0)
    expect(seen).toEqual(own)
    expect(all.map(({ tenantId }) => tenantId)).toContain(theirs.tenant)
  })

  test('changes and deletes none of others', async () => {
    const others = { own: ours.tenant }
    expect(
      await asUs.query(
        `UPDATE ${table} SET tenant_id = tenant_id WHERE tenant_id <> :own RETURNING 1`,
        others,
      ),
    ).toEqual([])
    expect(await asUs.query(`DELETE FROM ${table} WHERE tenant_id <> :own RETURNING 1`, others)).toEqual([])
  })

  test('adds none of others, and hangs none of its own on what is theirs', async () => {
    const [found] = await db.query<{ row: object }>(
      `SELECT to_jsonb(t) AS row FROM ${table} t WHERE tenant_id = :tenant LIMIT 1`,
      { tenant: theirs.tenant },
    )
    const add = (row: object) =>
      asUs.query(`INSERT INTO ${table} SELECT * FROM jsonb_populate_record(NULL::${table}, :row::jsonb)`, {
        row: JSON.stringify(row),
      })
    await expect(add({ ...found?.row })).rejects.toMatchObject(REFUSED)
    if (parent !== undefined)
      await expect(add({ ...found?.row, tenant_id: ours.tenant })).rejects.toMatchObject(REFUSED)
  })

  test('gives none of its own away', async () => {
    await expect(
      asUs.query(`UPDATE ${table} SET tenant_id = :other`, { other: theirs.tenant }),
    ).rejects.toMatchObject(REFUSED)
  })
})

test.each(OUT_OF_REACH)('of %s, a tenant sees nothing', async (table) => {
  await expect(asUs.query(`SELECT 1 FROM ${table}`)).rejects.toMatchObject(REFUSED)
})

test('whose a connection was is forgotten with each statement and transaction, failed ones too', async () => {
  const one = new Database({ ...db.options, poolSize: 1 })
  const who = async (sql: Sql) =>
    (await sql.query<Who>(`SELECT current_user AS role, current_setting('lading.tenant', true) AS tenant`))[0]
  const us = { role: 'lading_tenant', tenant: ours.tenant }
  const nobody = async () =>
    expect(await who(one)).toMatchObject({ role: expect.not.stringMatching('lading_tenant') })
  const own = one.of(ours.tenant)
  expect(await who(own)).toEqual(us)
  await nobody()
  await expect(own.query('SELECT 1 / 0')).rejects.toThrow('division by zero')
  await nobody()
  expect(await own.transaction(async (sql) => [await who(sql), await who(sql)])).toEqual([us, us])
  await nobody()
  await expect(own.transaction((sql) => sql.query('SELECT 1 / 0'))).rejects.toThrow('division by zero')
  await nobody()
  expect(await who(one.of(theirs.tenant))).toEqual({ ...us, tenant: theirs.tenant })
  await one.close()
})

interface Who {
  readonly role: string
  readonly tenant: string | null
}

test('nobody in particular sees nothing', async () => {
  await db.transaction(async (sql) => {
    await sql.query(`SELECT set_config('role', 'lading_tenant', true)`)
    for (const table of Object.keys(OF_TENANTS)) expect(await sql.query(`SELECT 1 FROM ${table}`)).toEqual([])
  })
})

test('rows that were there before the walls are behind them afterwards', async () => {
  const labels = async () => {
    const tables = Object.keys(OF_TENANTS).map(
      (table) => `SELECT '${table}' AS table, tenant_id, count(*)::int AS rows FROM ${table} GROUP BY 2`,
    )
    return await db.query(`${tables.join(' UNION ALL ')} ORDER BY 1, 2`)
  }
  const before = await labels()
  expect(before.filter((row) => (row as { tenantId: unknown }).tenantId === null)).toEqual([])
  await db.knex.transaction(async (trx) => {
    await down(trx)
    await up(trx)
  })
  expect(await labels()).toEqual(before)
})

test('behind the wall, too, a path is looked for by a few steps in the index', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.store(Array.from({ length: 3_000 }, (_, n) => `d/${n}`))
  const look = () => checkPaths(db.of(harbour.tenant), harbour.run.runId, ['d/new', 'e/new'])
  const plan = await explain(db, look, harbour.tenant)
  expect(rowsRead(plan, 'artifacts') + rowsRead(plan, 'path_heads') + rowsRead(plan, 'files')).toBeLessThan(
    50,
  )
})
