import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { holdRequests } from '../support/hold-requests.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { startS3, type TestS3 } from '../support/s3.ts'
import type { SystemServers } from '../support/system.ts'
import { content } from '../support/system-content.ts'
import { type FaultsSystem, startFaultsSystem } from './faults-system.ts'

const FILES = 60

let postgres: TestPostgres
let redis: TestRedis
let s3: TestS3
let servers: SystemServers

beforeAll(async () => {
  ;[postgres, redis, s3] = await Promise.all([startPostgres(), startRedis(), startS3({ own: true })])
  servers = { postgresUrl: postgres.url, redisUrl: redis.url, s3 }
})

afterAll(async () => {
  await Promise.all([postgres, redis, s3].map((server) => server?.stop()))
})

describe('Redis', TEST_LIMIT, () => {
  test('may forget everything while work is under way', async (context) => {
    const system = await startFaultsSystem(context, { servers })
    const { held, release } = holdRequests(system.proxy, { operation: 'PutObject', after: 10 })
    const uploads = await putMany(system)
    await until(() => held.length > 0, WITHIN)
    const client = new Redis(redis.url)
    expect(await client.dbsize()).toBeGreaterThan(0)
    await client.flushall()
    client.disconnect()
    release()
    await allDelivered(system, uploads)
  })

  test('may be killed and come back empty while work is under way', async (context) => {
    const system = await startFaultsSystem(context, { servers })
    const { held, release } = holdRequests(system.proxy, { operation: 'PutObject', after: 10 })
    const uploads = await putMany(system)
    await until(() => held.length > 0, WITHIN)
    await redis.kill()
    release()
    const more = await putMany(system, 'while Redis is away')
    await redis.start()
    await allDelivered(system, uploads, more)
  })

  test('may be away at the start: what is accepted meanwhile is delivered when it is there', async (context) => {
    await redis.kill()
    try {
      const system = await startFaultsSystem(context, { servers })
      const uploads = await putMany(system)
      const ready = await system.client.call('GET', '/readyz')
      expect(ready).toMatchObject({ status: 200, body: { status: 'degraded' } })
      await redis.start()
      await allDelivered(system, uploads)
    } finally {
      await redis.start()
    }
  })
})

describe('S3', TEST_LIMIT, () => {
  test('may ask to slow down for a while', async (context) => {
    const system = await startFaultsSystem(context, { servers })
    const { proxy } = system
    proxy.rule = () => 503
    const uploads = await putMany(system)
    const [worker] = system.workers
    await until(async () => ((await worker?.metric('lading_failed_attempts_total')) ?? 0) >= 10, WITHIN)
    expect(await system.client.job(uploads.jobs[0] ?? '')).toMatchObject({ files: { failed: 0 } })
    proxy.rule = () => undefined
    await allDelivered(system, uploads)
  })

  test('may go away and come back', async (context) => {
    const system = await startFaultsSystem(context, { servers })
    const { held, release } = holdRequests(system.proxy, { operation: 'PutObject', after: 10 })
    const uploads = await putMany(system)
    await until(() => held.length > 0, WITHIN)
    await s3.kill()
    release()
    const [worker] = system.workers
    await until(async () => ((await worker?.metric('lading_failed_attempts_total')) ?? 0) >= 10, WITHIN)
    await s3.start()
    await allDelivered(system, uploads)
  })
})

test('Postgres may be restarted while uploads come and are delivered', TEST_LIMIT, async (context) => {
  // Longer than a commit can take: a pack that is dropped before its transaction commits would be lost.
  const env = { LADING_KEEP_UNKNOWN: '20s' }
  const system = await startFaultsSystem(context, { servers, workers: 2, env })
  const { client } = system
  const { run_id: run } = await client.createRun()
  let accepted = 0
  const put = async (n: number): Promise<string> => {
    const headers = { 'idempotency-key': randomUUID() }
    // As a client does who was told that it may come again, or nothing at all.
    const answer = await until(
      async () => {
        const tried = await client.put(run, `${n}.bin`, content(n * 100), headers)
        if (tried.status !== 202) expect(tried.body).toMatchObject({ retryable: true })
        return tried.status === 202 && tried
      },
      { ...WITHIN, every: 200 },
    )
    accepted += 1
    return answer.body.job_id
  }
  const jobs = Promise.all(Array.from({ length: 200 }, (_, n) => put(n)))
  for (const enough of [20, 80, 140]) {
    await until(() => accepted >= enough, WITHIN)
    await postgres.restart()
  }
  await allDelivered(system, { run, jobs: await jobs })
})

interface Uploads {
  readonly run: string
  readonly jobs: readonly string[]
}

async function putMany({ client }: FaultsSystem, seed = 'many'): Promise<Uploads> {
  const { run_id: run } = await client.createRun()
  const answers = await Promise.all(
    Array.from({ length: FILES }, (_, n) => client.put(run, `${n}.bin`, content(n * 1000, `${seed} ${n}`))),
  )
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202))
  return { run, jobs: answers.map(({ body }) => body.job_id) }
}

async function allDelivered(system: FaultsSystem, ...all: readonly Uploads[]): Promise<void> {
  const jobs = all.flatMap((uploads) => uploads.jobs)
  expect(new Set(jobs).size).toBe(jobs.length)
  const report = await system.audit()
  expect(report).toMatchObject({ artifacts: jobs.length, jobs: { completed: jobs.length } })
}
