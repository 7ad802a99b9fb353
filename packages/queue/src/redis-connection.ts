import { Redis, type RedisOptions } from 'ioredis'
import type { QueueLog } from './queue-log.ts'

/**
 * How ioredis connects, for both sides. The pause between attempts is capped at one second, where BullMQ's own
 * connections pause for up to 20 s. TLS comes with a `rediss:` URL.
 */
const CONNECTION = {
  retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
  connectTimeout: 5_000,
  keepAlive: 10_000,
} as const satisfies RedisOptions

/**
 * The producer's connection. A command fails at once while there is no connection, and when the connection ends: the
 * caller decides whether to try again, and nothing is kept to be sent behind its back. A server that takes `timeoutMs`
 * milliseconds over a reply is left, so that commands do not pile up in front of a frozen one.
 */
export function producerRedis(url: string, timeoutMs: number, log: QueueLog): Redis {
  const redis = new Redis(url, {
    ...CONNECTION,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    socketTimeout: timeoutMs,
  })
  return told(redis, log)
}

/** Resolves once the connection can take commands; for ever if it never can, so the caller needs a limit. */
export async function untilReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  if (redis.status === 'end') throw new Error('the queue is closed')
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
}

/**
 * A worker's connection, from which BullMQ makes another for its blocking fetch. Commands wait for the server to come
 * back (BullMQ demands `maxRetriesPerRequest: null`), so a ticket's end outlasts a restart of Redis.
 */
export class ConsumerRedis extends Redis {
  readonly #copies: Redis[] = []
  readonly #log: QueueLog

  constructor(url: string, log: QueueLog) {
    // The fetch blocks for 5 s, and BullMQ gives it up after 6. Silence for 15 s means that the peer has gone.
    super(url, { ...CONNECTION, maxRetriesPerRequest: null, socketTimeout: 15_000 })
    this.#log = log
    told(this, log)
  }

  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = told(super.duplicate(override), this.#log)
    this.#copies.push(copy)
    return copy
  }

  cut(): void {
    for (const redis of [...this.#copies, this]) redis.disconnect()
  }
}

/** ioredis prints an error that no listener takes. */
function told(redis: Redis, log: QueueLog): Redis {
  redis.on('error', (error) => log('warn', 'the connection to Redis failed', { error }))
  return redis
}
