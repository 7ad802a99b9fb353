import { setTimeout as delay } from 'node:timers/promises'
import { openRedisQueue } from '@lading/queue'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/deadline.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const WITHIN = { within: 30_000 }

describe('tickets on a Redis in trouble', { timeout: 60_000 }, () => {
  let redis: TestRedis
  let admin: Redis
  beforeAll(async () => {
    redis = await startRedis()
    admin = new Redis(redis.url)
  })
  afterEach(async () => {
    await admin.config('SET', 'maxmemory', '0')
    await admin.flushall()
  })
  afterAll(async () => {
    admin.disconnect()
    await redis.stop()
  })

  it('asks a Redis that is out of memory again with pauses, and goes on when there is room', async () => {
    await using queue = opened(redis.url)
    await queue.add('r', tickets(50))
    await admin.config('SET', 'maxmemory', '1')
    await admin.config('RESETSTAT')
    let seen = 0
    queue.consume('r', { slots: 4, handler: async () => void seen++ })
    await until(async () => (await failedScripts(admin)) > 0, WITHIN)
    // A window to count in. Without pauses there are ten thousand a second.
    await delay(1_000)
    expect(await failedScripts(admin)).toBeLessThan(50)
    await admin.config('SET', 'maxmemory', '0')
    await until(() => seen === 50, WITHIN)
  })

  it('says queue_unavailable when a Redis that is out of memory refuses a ticket', async () => {
    await using queue = opened(redis.url)
    await queue.check()
    await admin.config('SET', 'maxmemory', '1')
    await expect(queue.add('r', tickets(1))).rejects.toMatchObject({ code: 'queue_unavailable' })
  })

  it('goes on after its connections were killed', async () => {
    await using queue = opened(redis.url)
    const seen = new Set<string>()
    queue.consume('r', { slots: 1, handler: async (ticket) => void seen.add(ticket.workId) })
    for (let turn = 0; turn < 3; turn++) {
      await until(async () => String(await admin.client('LIST')).includes('cmd=bzpopmin'), WITHIN)
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await until(() => queue.add('r', [{ workId: `w${turn}`, epoch: 1 }]).then(() => true), WITHIN)
      await until(() => seen.has(`w${turn}`), WITHIN)
    }
  })

  it('drops a job that is no ticket', async () => {
    await using queue = opened(redis.url)
    await queue.add('r', [{ workId: 'evicted', epoch: 1 }])
    await admin.hset('{lading}:deliver-r:evicted-1', 'data', '{}')
    await queue.add('r', [{ workId: 'next', epoch: 1 }])
    const seen: string[] = []
    queue.consume('r', { slots: 1, handler: async (ticket) => void seen.push(ticket.workId) })
    await until(() => seen.length > 0, WITHIN)
    expect(seen).toEqual(['next'])
  })

  it('leaves no connection and no ticket behind', async () => {
    const queue = openRedisQueue({ url: redis.url })
    let seen = 0
    queue.consume('r', { slots: 2, handler: async () => void seen++ })
    await queue.add('r', tickets(20))
    await until(() => seen === 20, WITHIN)
    await queue.close()
    await until(
      async () =>
        String(await admin.client('LIST'))
          .trim()
          .split('\n').length === 1,
      WITHIN,
    )
    const keys = await admin.keys('*')
    expect(keys.filter((name) => /:(w\d+-1.*|wait|active|marker|completed|failed)$/.test(name))).toEqual([])
  })

  it('waits with one listener, however many calls come during an outage', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    const queue = openRedisQueue({ url: `redis://127.0.0.1:${await freePort()}`, timeoutMs: 5 })
    for (let turn = 0; turn < 20; turn++) await queue.check().catch(() => undefined)
    await queue.close()
    process.off('warning', listen)
    expect(warnings).toEqual([])
  })

  it('tells an outage once, not once a second', async () => {
    const told: string[] = []
    const server = await startRedis()
    const queue = openRedisQueue({
      url: server.url,
      timeoutMs: 500,
      log: (level, message) => told.push(`${level} ${message}`),
    })
    try {
      await queue.check()
      await server.kill()
      await until(() => told.length > 0, WITHIN)
      for (let turn = 0; turn < 3; turn++) await queue.check().catch(() => undefined)
      expect(told.filter((line) => line === 'warn the connection to Redis failed').length).toBe(1)
    } finally {
      await queue.close()
      await server.stop()
    }
  })
})

function opened(url: string) {
  const queue = openRedisQueue({ url })
  return Object.assign(queue, { [Symbol.asyncDispose]: () => queue.close() })
}

function tickets(count: number) {
  return Array.from({ length: count }, (_, index) => ({ workId: `w${index}`, epoch: 1 }))
}

async function failedScripts(admin: Redis): Promise<number> {
  const line = /cmdstat_evalsha:.*failed_calls=(\d+)/.exec(await admin.info('commandstats'))
  return Number(line?.[1] ?? 0)
}
