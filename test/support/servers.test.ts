import { once } from 'node:events'
import { createConnection } from 'node:net'
import pg from 'pg'
import { expect, test } from 'vitest'
import { until } from './deadline.ts'
import { startPostgres } from './postgres.ts'
import { freshDatabase } from './provided.ts'
import { startRedis } from './redis.ts'

test('a condition that never holds fails with what it was, and a last error is kept as the cause', async () => {
  await expect(until(() => 0, { within: 30 })).rejects.toThrow(
    /Not so within 30 ms: \(\) => 0; at last it was 0/,
  )
  const cause = new Error('no answer')
  await expect(until(() => Promise.reject(cause), { within: 30 })).rejects.toMatchObject({ cause })
})

test('a Redis can be killed, started again at its address, and frozen', async () => {
  const redis = await startRedis()
  const first = redis.pid
  await redis.kill()
  await expect(ask(redis.port, 'PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await redis.start()
  expect(redis.pid).not.toBe(first)
  redis.pause()
  const late = ask(redis.port, 'PING')
  redis.resume()
  expect(await late).toBe('+PONG\r\n')
  redis.pause()
  await redis.stop()
})

test('a PostgreSQL is at its address with its databases after a restart', async () => {
  const postgres = await startPostgres()
  const url = await postgres.createDatabase('kept')
  const first = postgres.pid
  await postgres.restart()
  expect(postgres.pid).not.toBe(first)
  expect(await currentDatabase(url)).toBe('kept')
  await postgres.stop()
})

test('each test has databases of its own on the shared PostgreSQL', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()])
  expect(await currentDatabase(one)).not.toBe(await currentDatabase(other))
})

async function ask(port: number, command: string): Promise<string> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    socket.write(`${command}\r\n`)
    const [reply] = await once(socket, 'data')
    return String(reply)
  } finally {
    socket.destroy()
  }
}

async function currentDatabase(connectionString: string): Promise<string> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
  await client.end()
  return rows[0]?.name ?? ''
}
