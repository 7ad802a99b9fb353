import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './postgres.ts'

let root: string
let directory: string
const running: EmbeddedPostgres[] = []

beforeEach(async () => {
  // Only its owner may enter this folder: mkdtemp(3) makes it with mode 0700.
  root = await mkdtemp(join(tmpdir(), 'lading-embedded-'))
  directory = join(root, 'state', 'postgres')
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()))
  await rm(root, { recursive: true })
})

test('a PostgreSQL of its own starts in an empty folder that only its owner may enter', async () => {
  const server = await start()
  const [row] = await query(server.url, "SELECT current_setting('server_version_num')::int AS version")
  expect(row?.version).toBeGreaterThanOrEqual(180_000)
  expect(await readFile(join(directory, 'postmaster.pid'), 'utf8')).toMatch(new RegExp(`^${server.pid}\n`))
})

test('it asks for a password that only the owner of the folder can read', async () => {
  const server = await start()
  const password = decodeURIComponent(new URL(server.url).password)
  expect((await stat(`${directory}.password`)).mode & 0o777).toBe(0o600)
  expect((await readFile(`${directory}.password`, 'utf8')).trim()).toBe(password)
  await expect(query(server.url.replace(password, 'guess'), 'SELECT 1')).rejects.toThrow(
    /password authentication failed/,
  )
})

test('it listens on the loopback address, opens no socket file, and lets every commit reach the disk', async () => {
  const server = await start()
  const names = [
    'listen_addresses',
    'unix_socket_directories',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
  ]
  const rows = await query(server.url, 'SELECT name, setting FROM pg_settings WHERE name = ANY($1)', [names])
  expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
  })
})

test('data is there again after a stop and a start', async () => {
  const first = await start()
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await first.stop()
  expect(await first.exited).toBe('code 0')
  const second = await start()
  expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
})

test('data is there again after the server was killed', async () => {
  const first = await start()
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  process.kill(first.pid, 'SIGKILL')
  expect(await first.exited).toBe('SIGKILL')
  const second = await start()
  expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
})

test('a server that a killed process left running is stopped, and its data is there', async () => {
  const orphan = await startInAnotherProcess()
  await query(orphan.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  orphan.parent.kill('SIGKILL')
  await once(orphan.parent, 'exit')
  expect(await query(orphan.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }])
  const server = await start()
  expect(await query(server.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  await expect(query(orphan.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a second start on the folder is refused while the process that holds it lives', async () => {
  const other = await startInAnotherProcess()
  await expect(start()).rejects.toMatchObject({
    code: 'catalog_unavailable',
    detail: expect.stringContaining('in use by another Lading'),
  })
  expect(await query(other.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }])
  other.parent.kill('SIGTERM')
  await once(other.parent, 'exit')
})

test('a process id left by a killed server that now is some other program does not prevent the start', async () => {
  const first = await start()
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const file = join(directory, 'postmaster.pid')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(process.pid)))
  const second = await start()
  expect(await query(second.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }])
})

test('a making of the database that was cut short is begun again', async () => {
  await mkdir(`${directory}.new/base`, { recursive: true })
  await writeFile(`${directory}.new/PG_VERSION`, '18\n')
  const server = await start()
  expect(await query(server.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }])
})

test('a lost password file is replaced by a new password', async () => {
  const first = await start()
  await first.stop()
  await rm(`${directory}.password`)
  const second = await start()
  expect(new URL(second.url).password).not.toBe(new URL(first.url).password)
  expect(await query(second.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }])
})

test('a folder with other things in it is left alone', async () => {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'thesis.txt'), 'mine')
  await expect(start()).rejects.toMatchObject({
    detail: expect.stringContaining('is not empty and holds no database'),
  })
  expect(await readFile(join(directory, 'thesis.txt'), 'utf8')).toBe('mine')
})

test('a server that cannot start says what PostgreSQL said, and a later start succeeds', async () => {
  const broken = startEmbeddedPostgres({ directory, settings: { fsync: 'off', shared_buffers: 'plenty' } })
  await expect(broken).rejects.toMatchObject({
    code: 'catalog_unavailable',
    detail: expect.stringContaining('invalid value for parameter "shared_buffers"'),
  })
  const server = await start()
  expect(await query(server.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }])
})

test('a start that is called off leaves no server behind', async () => {
  const calledOff = AbortSignal.abort(new Error('no longer wanted'))
  await expect(startEmbeddedPostgres({ directory, signal: calledOff })).rejects.toThrow('no longer wanted')
  const server = await start()
  expect(await query(server.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }])
})

async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory })
  running.push(server)
  return server
}

async function query(connectionString: string, sql: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString })
  // A server that is killed ends idle connections; the next query tells.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows
  } finally {
    await client.end()
  }
}

async function startInAnotherProcess() {
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)}
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} })
    process.once('SIGTERM', () => server.stop())
    console.log(JSON.stringify({ url: server.url, pid: server.pid }))`
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface(parent.stdout)) {
    return { parent, ...(JSON.parse(line) as { url: string; pid: number }) }
  }
  throw new Error('the other process ended before its server was ready')
}
