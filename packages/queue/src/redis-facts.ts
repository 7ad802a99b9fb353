import { LadingError } from '@lading/protocol'
import { Redis } from 'ioredis'

/** What a Redis says of itself. */
export interface RedisFacts {
  readonly name: 'Redis' | 'Valkey'
  /** As `7.0.15`; of Valkey, its own. */
  readonly version: string
  /** Whether BullMQ runs on it: Redis from 6.2 on, and every Valkey. */
  readonly recentEnough: boolean
  /** What it does when it is full, as `noeviction`. */
  readonly evictionPolicy: string
  /** Bytes; 0 is no limit of its own. */
  readonly maxMemory: number
  /** Bytes. */
  readonly usedMemory: number
  readonly appendOnly: boolean
  /** A replica takes no writes. */
  readonly role: string
  /** Milliseconds that an answer takes. */
  readonly roundTripMs: number
}

/** Asks by INFO, which managed services allow where CONFIG is closed. Fails with `queue_unavailable`. */
export async function askRedis(url: string, timeoutMs: number): Promise<RedisFacts> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let reason: Error | undefined
  redis.on('error', (error) => {
    reason = error
  })
  try {
    await redis.connect()
    const info = parseInfo(await redis.info())
    const sentAt = performance.now()
    await redis.ping()
    return factsOf(info, performance.now() - sentAt)
  } catch (error) {
    throw new LadingError('queue_unavailable', sentenceOf(reason ?? error), { cause: error })
  } finally {
    redis.disconnect()
  }
}

function factsOf(info: ReadonlyMap<string, string>, roundTripMs: number): RedisFacts {
  const valkey = info.get('valkey_version')
  const version = info.get('redis_version') ?? '0'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return {
    name: valkey === undefined ? 'Redis' : 'Valkey',
    version: valkey ?? version,
    recentEnough: valkey !== undefined || major > 6 || (major === 6 && minor >= 2),
    evictionPolicy: info.get('maxmemory_policy') ?? 'unknown',
    maxMemory: Number(info.get('maxmemory') ?? 0),
    usedMemory: Number(info.get('used_memory') ?? 0),
    appendOnly: info.get('aof_enabled') === '1',
    role: info.get('role') ?? 'unknown',
    roundTripMs,
  }
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split('\r\n')
      .map((line) => line.split(':'))
      .map(([name = '', ...value]) => [name, value.join(':')]),
  )
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
