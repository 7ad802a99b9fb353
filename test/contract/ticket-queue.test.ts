import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgresQueue, openRedisQueue } from '@lading/queue'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../apps/lading/src/embedded/postgres.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis } from '../support/redis.ts'
import { describeTicketQueue, type QueueServer } from './ticket-queue.ts'

describeTicketQueue('Redis', async (): Promise<QueueServer> => {
  const redis = await startRedis()
  const nowhere = `redis://127.0.0.1:${await freePort()}`
  return {
    open: (options) =>
      openRedisQueue({ url: redis.url, prefix: `{${randomBytes(4).toString('hex')}}`, ...options }),
    openNowhere: (options) => openRedisQueue({ url: nowhere, ...options }),
    down: () => redis.kill(),
    up: () => redis.start(),
    freeze: async () => redis.pause(),
    thaw: async () => redis.resume(),
    forget: async () => {
      const client = new Redis(redis.url)
      await client.flushall()
      client.disconnect()
    },
    stop: () => redis.stop(),
  }
})

describeTicketQueue('PostgreSQL', async (): Promise<QueueServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-queue-'))
  let postgres = await startEmbeddedPostgres({ directory: join(folder, 'data') })
  const { url } = postgres
  const kill = () => process.kill(postgres.pid, 'SIGKILL')
  process.once('exit', kill)
  const nowhere = `postgres://postgres@127.0.0.1:${await freePort()}/none`
  let frozen: number[] = []
  let schema = ''
  return {
    open: (options) => {
      schema = `s_${randomBytes(4).toString('hex')}`
      return openPostgresQueue({ connectionString: url, schema, ...options })
    },
    openNowhere: (options) => openPostgresQueue({ connectionString: nowhere, ...options }),
    down: () => postgres.stop(),
    up: async () => {
      postgres = await startEmbeddedPostgres({
        directory: join(folder, 'data'),
        port: Number(new URL(url).port),
      })
    },
    // A session is a process of its own.
    freeze: async () => {
      const sessions = await ask<{ pid: number }>(
        url,
        'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
      )
      frozen = [postgres.pid, ...sessions.map((session) => session.pid)]
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    },
    thaw: async () => {
      for (const pid of frozen.splice(0)) process.kill(pid, 'SIGCONT')
    },
    forget: async () => void (await ask(url, `DELETE FROM "${schema}".job`)),
    stop: async () => {
      process.removeListener('exit', kill)
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
})

async function ask<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}
