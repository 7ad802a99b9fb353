import type { Ticket } from '@lading/core'
import { createRedisBackend, type IQueueBackend, Queue } from 'bullmq'
import type { QueueLog } from './queue-log.ts'
import { queueOptions } from './queue-options.ts'
import { ConsumerRedis, ProducerRedis } from './redis-connection.ts'
import type { ProducerQueue, TicketBackend, WorkerConnections } from './ticket-backend.ts'

type RedisQueue = Queue<Ticket, void, string, Ticket, void, string, IQueueBackend, object>

/** BullMQ on Redis 6.2 or later, or Valkey. */
export class RedisTicketBackend implements TicketBackend {
  readonly #redis: ProducerRedis
  readonly #queues = new Map<string, RedisQueue>()
  readonly #url: string
  readonly #prefix: string
  readonly #log: QueueLog

  constructor(url: string, prefix: string, timeoutMs: number, log: QueueLog) {
    this.#url = url
    this.#prefix = prefix
    this.#log = log
    this.#redis = new ProducerRedis(url, timeoutMs, log)
  }

  async ready(): Promise<void> {
    await this.#redis.untilReady()
  }

  async producer(name: string): Promise<ProducerQueue> {
    return await this.#queue(name)
  }

  /**
   * BullMQ has a call for the state of one job, a script each. A job exists as long as its hash does, which is what
   * BullMQ's own adding looks at, so "not held" is exactly "would be added".
   */
  async held(name: string, ids: readonly string[]): Promise<Set<string>> {
    await this.#redis.untilReady()
    const pipeline = this.#redis.pipeline()
    for (const id of ids) pipeline.exists(`${this.#prefix}:${name}:${id}`)
    const replies = (await pipeline.exec()) ?? []
    const held = new Set<string>()
    for (const [index, [error, exists]] of replies.entries()) {
      if (error) throw error
      if (exists === 1) held.add(ids[index] as string)
    }
    return held
  }

  workerConnections(): WorkerConnections {
    const redis = new ConsumerRedis(this.#url, this.#log)
    return {
      factory: (name, options, use) => createRedisBackend(name, { ...options, connection: redis }, use),
      cut: () => redis.cut(),
    }
  }

  async ping(): Promise<void> {
    await this.#redis.untilReady()
    await this.#redis.ping()
  }

  async close(): Promise<void> {
    this.#redis.disconnect()
  }

  async #queue(name: string): Promise<RedisQueue> {
    await this.#redis.untilReady()
    const known = this.#queues.get(name)
    if (known) return known
    const queue: RedisQueue = new Queue(name, queueOptions(this.#prefix), (queueName, options, use) =>
      createRedisBackend(queueName, { ...options, connection: this.#redis }, use),
    )
    queue.on('error', (error) => this.#log('debug', 'a queue met an error', { queue: name, error }))
    // A queue whose first words were lost never speaks again, so only one that has spoken is kept.
    await queue.waitUntilReady()
    this.#queues.set(name, queue)
    return queue
  }
}
