import type { TenantId } from '@lading/core'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts'
import { Database } from './database.ts'
import { Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let postgres: TestPostgres
let url: string
let catalog: Catalog

beforeAll(async () => {
  postgres = await startPostgres()
  url = await postgres.createDatabase()
  catalog = await openMigrated(url, { timeoutMs: 3_000, poolSize: 4 })
})

afterAll(async () => {
  await catalog.close()
  await postgres.stop()
})

const UNAVAILABLE = { code: 'catalog_unavailable', retryAfter: 2 }

function open(poolSize: number, timeoutMs = 2_000, wholeJobMs = timeoutMs): Database {
  return new Database({ url, poolSize, timeoutMs, wholeJobMs, log: SILENT })
}

test('when every connection is in use, a caller is told after the timeout that the catalog is unavailable', async () => {
  const db = open(1)
  let release = () => {}
  const busy = new Promise<void>((resolve) => {
    release = resolve
  })
  const holding = db.transaction(() => busy)
  await expect(db.query('SELECT 1')).rejects.toMatchObject(UNAVAILABLE)
  release()
  await Promise.allSettled([holding])
  // Postgres may be ending the connection, which was idle in its transaction for as long: the next one is sound.
  const answer = await until(() => db.query('SELECT 1 AS one').catch(() => undefined), { within: 20_000 })
  expect(answer).toEqual([{ one: 1 }])
  await db.close()
})

test('a statement that takes longer than the timeout is ended', async () => {
  const db = open(2)
  await expect(db.query('SELECT pg_sleep(60), :secret::text', { secret: 'secret' })).rejects.toMatchObject({
    ...UNAVAILABLE,
    detail: 'Postgres does not answer: canceling statement due to statement timeout',
  })
  await expect(db.transaction((sql) => sql.query('SELECT pg_sleep(60)'))).rejects.toMatchObject(UNAVAILABLE)
  expect(await db.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  await db.close()
})

test.each([
  ['of the database', (db: Database) => db],
  ['of a tenant', (db: Database) => db.of('acme-corp' as TenantId)],
])('statements %s that touch all files of a job have a limit of their own', async (_whose, statements) => {
  const [patient, hasty] = [open(2, 500, 30_000), open(2, 30_000, 500)]
  const sleeping = (db: Database) =>
    statements(db).transaction((sql) => sql.query('SELECT 1 AS slept FROM pg_sleep(1)'), 'whole job')
  expect(await sleeping(patient)).toEqual([{ slept: 1 }])
  await expect(statements(patient).query('SELECT pg_sleep(1)')).rejects.toMatchObject(UNAVAILABLE)
  await expect(sleeping(hasty)).rejects.toMatchObject(UNAVAILABLE)
  await Promise.all([patient.close(), hasty.close()])
})

test('a transaction that is left idle, as by a process that was stopped, loses its locks', async () => {
  const [left, other] = [open(1), open(1, 20_000)]
  await other.query('CREATE TABLE locked (id int PRIMARY KEY)')
  await other.query('INSERT INTO locked VALUES (1)')
  let lock = () => {}
  const locked = new Promise<void>((resolve) => {
    lock = resolve
  })
  let wake = () => {}
  const stopped = new Promise<void>((resolve) => {
    wake = resolve
  })
  const transaction = left.transaction(async (sql) => {
    await sql.query('SELECT 1 FROM locked FOR UPDATE')
    lock()
    await stopped
    await sql.query('UPDATE locked SET id = 2')
  })
  const failing = expect(transaction).rejects.toMatchObject(UNAVAILABLE)
  await locked
  await until(() => other.query('UPDATE locked SET id = 3 RETURNING id'), { within: 10_000 })
  wake()
  await failing
  expect(await other.query('SELECT id FROM locked')).toEqual([{ id: 3 }])
  await Promise.all([left.close(), other.close()])
})

test('an error of a statement is the caller’s to see as it is, and rolls its transaction back', async () => {
  const db = open(1)
  await db.query('CREATE TABLE once (id int PRIMARY KEY)')
  const twice = db.transaction(async (sql) => {
    await sql.query('INSERT INTO once VALUES (1)')
    await sql.query('INSERT INTO once VALUES (1)')
  })
  await expect(twice).rejects.toMatchObject({ code: '23505' })
  expect(await db.query('SELECT * FROM once')).toEqual([])
  await db.close()
})

test('the victim of a deadlock is tried again', async () => {
  const db = open(2, 20_000)
  await db.query('CREATE TABLE two (id int PRIMARY KEY, n int NOT NULL)')
  await db.query('INSERT INTO two VALUES (1, 0), (2, 0)')
  let arrived = 0
  const bothHoldOne = async () => {
    arrived++
    await until(() => arrived >= 2, { within: 10_000 })
  }
  const crosswise = (first: number, second: number) =>
    db.transaction(async (sql) => {
      await sql.query('UPDATE two SET n = n + 1 WHERE id = :id', { id: first })
      await bothHoldOne()
      await sql.query('UPDATE two SET n = n + 1 WHERE id = :id', { id: second })
    })
  await Promise.all([crosswise(1, 2), crosswise(2, 1)])
  expect(await db.query('SELECT n FROM two')).toEqual([{ n: 2 }, { n: 2 }])
  await db.close()
})

test('while Postgres is frozen, callers are told within the timeouts; afterwards all is as before', async () => {
  const harbour = await Harbour.open(catalog)
  const idle = open(2)
  await Promise.all([idle.query('SELECT 1'), idle.query('SELECT 1')])
  const thaw = await freeze()
  try {
    const asked = [
      catalog.api.check(),
      harbour.accept(['a']),
      catalog.delivery.backlog.routes(),
      idle.query('SELECT 1'),
      idle.transaction((sql) => sql.query('SELECT 1')),
      // Another connection must be made for this one.
      idle.query('SELECT 1'),
    ]
    for (const outcome of await Promise.allSettled(asked)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: UNAVAILABLE })
    }
    expect(await catalog.delivery.leadership.tryTake()).toBeUndefined()
  } finally {
    thaw()
  }
  await until(() => catalog.api.check().then(() => true), { within: 60_000 })
  expect(await idle.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(await harbour.accept(['b'])).toMatchObject({ state: 'queued' })
  await idle.close()
})

test('a leader whose Postgres is frozen hears that it leads no longer', async () => {
  const leadership = await catalog.delivery.leadership.tryTake()
  if (!leadership) throw new Error('nobody else leads')
  const thaw = await freeze()
  try {
    await until(() => leadership.signal.aborted, { within: 30_000 })
  } finally {
    thaw()
  }
  await using next = await until(() => catalog.delivery.leadership.tryTake(), { within: 60_000 })
  expect(next.signal.aborted).toBe(false)
})

test('a restart of Postgres fails what is under way, and is over for callers as soon as it is over', async () => {
  const harbour = await Harbour.open(catalog)
  const db = open(1, 20_000)
  const sleeping = db.query('SELECT pg_sleep(60)')
  const failing = expect(sleeping).rejects.toMatchObject(UNAVAILABLE)
  await postgres.restart()
  await failing
  await until(() => catalog.api.check().then(() => true), { within: 60_000 })
  expect(await harbour.accept(['a'])).toMatchObject({ state: 'queued' })
  expect(await db.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  await db.close()
})

/** SIGSTOP for the server and each of its sessions: connections stay open, new ones are not answered. */
async function freeze(): Promise<() => void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  )
  await client.end()
  const pids = [postgres.pid, ...rows.map(({ pid }) => pid)]
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  return () => {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
}
