import { LadingError } from '@lading/protocol'
import { askRedis, type RedisFacts } from '@lading/queue'
import type { Config } from '../config.ts'
import { inBytes } from '../terminal/figures.ts'
import { type Finding, fail, ok, skip, warn } from './finding.ts'

const TIMEOUT_MS = 5_000

export async function examineRedis({ redisUrl }: Config): Promise<Finding[]> {
  if (redisUrl === undefined)
    return [skip('redis.reachable', 'REDIS_URL is not set: the queue is in PostgreSQL')]
  try {
    const facts = await askRedis(redisUrl, TIMEOUT_MS)
    return [reached(facts), version(facts), role(facts), eviction(facts), persistence(facts)]
  } catch (error) {
    if (!(error instanceof LadingError)) throw error
    const mend =
      'Is it running, and is REDIS_URL right? Uploads are accepted meanwhile, and delivered when it is back.'
    return [fail('redis.reachable', error.detail, mend)]
  }
}

function reached({ roundTripMs, usedMemory }: RedisFacts): Finding {
  return ok('redis.reachable', `answers in ${roundTripMs.toFixed(1)} ms, holds ${inBytes(usedMemory)}`)
}

function version({ name, version, recentEnough }: RedisFacts): Finding {
  if (recentEnough) return ok('redis.version', `${name} ${version}`)
  return fail('redis.version', `${name} ${version}`, 'Upgrade to Redis 6.2 or later, or to Valkey.')
}

function role({ role }: RedisFacts): Finding {
  if (role === 'master') return ok('redis.writable', 'takes writes')
  return fail('redis.writable', `is a ${role}, which takes no writes`, 'Point REDIS_URL at the primary.')
}

/** What is evicted comes again, after a while: a ticket holds no state. */
function eviction({ evictionPolicy, maxMemory }: RedisFacts): Finding {
  const limit = maxMemory === 0 ? 'no limit of memory' : `a limit of ${inBytes(maxMemory)}`
  const found = `maxmemory-policy ${evictionPolicy}, ${limit}`
  if (evictionPolicy === 'noeviction') return ok('redis.eviction', found)
  return warn(
    'redis.eviction',
    found,
    'CONFIG SET maxmemory-policy noeviction (and in redis.conf): tickets that are evicted delay deliveries.',
  )
}

function persistence({ appendOnly }: RedisFacts): Finding {
  const kept = appendOnly ? 'keeps an append-only file' : 'keeps no append-only file'
  return ok('redis.persistence', `${kept}; none is needed: the backlog is in PostgreSQL`)
}
