import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import type { FaultCase, Scene } from '../fault-case.ts'
import { inTheMiddle } from '../in-the-middle.ts'

const AWAY_MS = 5_000
const EXPECTED = 'uploads are accepted all the while; lost tickets are issued again'

export const REDIS_CASES: readonly FaultCase[] = [
  {
    name: 'redis-absent-at-start',
    fault: 'Redis is not there when the system starts',
    expected: 'what is accepted meanwhile is delivered when it is there',
    before: ({ redis }) => redis.kill(),
    async inject({ ledger, servers }) {
      await until(() => ledger.accepted >= 20, WITHIN)
      await servers.redis.start()
    },
  },
  {
    name: 'redis-killed',
    fault: 'Redis is killed, and comes back empty',
    expected: EXPECTED,
    async inject(scene) {
      using _ = await inTheMiddle(scene)
      await scene.servers.redis.kill()
      await delay(AWAY_MS)
      await scene.servers.redis.start()
    },
  },
  {
    name: 'redis-frozen',
    fault: 'Redis is frozen: connections stay, nothing answers',
    expected: EXPECTED,
    async inject(scene) {
      using _ = await inTheMiddle(scene)
      scene.servers.redis.pause()
      await delay(AWAY_MS)
      scene.servers.redis.resume()
    },
  },
  {
    name: 'redis-flushed',
    fault: 'FLUSHALL with work in flight',
    expected: EXPECTED,
    async inject(scene) {
      using _ = await inTheMiddle(scene)
      await ask(scene, (redis) => redis.flushall())
    },
  },
  {
    name: 'redis-out-of-memory',
    fault: 'Redis is out of memory: it refuses every write',
    expected: EXPECTED,
    async inject(scene) {
      await ask(scene, (redis) => redis.config('SET', 'maxmemory', '1'))
      await until(() => scene.ledger.accepted >= 20, WITHIN)
      await delay(AWAY_MS)
      await ask(scene, (redis) => redis.config('SET', 'maxmemory', '0'))
    },
  },
]

async function ask({ servers }: Scene, command: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(servers.redis.url)
  try {
    await command(redis)
  } finally {
    redis.disconnect()
  }
}
