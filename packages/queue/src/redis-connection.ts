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
export class ProducerRedis extends Redis {
  #becomingReady: Promise<void> | undefined

  constructor(url: string, timeoutMs: number, log: QueueLog) {
    super(url, {
      ...CONNECTION,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      socketTimeout: timeoutMs,
    })
    told(this, log)
  }

  /** Resolves once commands can be sent, and that may be never; the caller needs a limit. */
  async untilReady(): Promise<void> {
    if (this.status === 'ready') return
    if (this.status === 'end') throw new Error('the queue is closed')
    // One listener for all who wait: during a long outage callers come and go by the thousand.
    this.#becomingReady ??= new Promise((resolve) => {
      this.once('ready', () => {
        this.#becomingReady = undefined
        resolve()
      })
    })
    await this.#becomingReady
  }
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
