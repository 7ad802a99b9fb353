import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../apps/lading/src/embedded/postgres.ts'

export interface TestPostgres {
  readonly url: string
  /** Of the server as last started. */
  readonly pid: number
  /** Makes an empty database and returns its URL. */
  createDatabase(name?: string): Promise<string>
  stop(): Promise<void>
  /** Ends every session and starts again with the same data, at the same address. */
  restart(): Promise<void>
}

/** Sound but for power cuts: nothing that a test can do to a process loses data without fsync. */
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }

/** `durable`: syncs its log to the disk at each commit, as it does where it keeps real data; for measuring. */
export async function startPostgres({ durable = false } = {}): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'lading-postgres-'))
  const start = (port?: number) =>
    startEmbeddedPostgres({
      directory: join(folder, 'data'),
      settings: durable ? {} : SETTINGS,
      ...(port === undefined ? {} : { port }),
    })
  let server = await start()
  const { url } = server
  const kill = () => process.kill(server.pid, 'SIGKILL')
  process.once('exit', kill)
  return {
    url,
    get pid() {
      return server.pid
    },
    createDatabase: (name) => createDatabase(url, name),
    stop: async () => {
      process.removeListener('exit', kill)
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
    restart: async () => {
      await server.stop()
      server = await start(Number(new URL(url).port))
    },
  }
}

/** Makes an empty database on the server at `url` and returns the URL of it. */
export async function createDatabase(
  url: string,
  name = `t_${randomBytes(8).toString('hex')}`,
): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
  const address = new URL(url)
  address.pathname = `/${encodeURIComponent(name)}`
  return address.href
}
