import type { Ticket, TicketHandler, TicketQueue } from '@lading/core'
import { BullTicketConsumer } from './consumer.ts'
import { jobId, queueName } from './names.ts'
import { PostgresTicketBackend } from './postgres-backend.ts'
import { type QueueLog, seldom, silent } from './queue-log.ts'
import { TICKET_JOB } from './queue-options.ts'
import { RedisTicketBackend } from './redis-backend.ts'
import type { TicketBackend } from './ticket-backend.ts'
import { withinLimit } from './time-limit.ts'
import type { WatchdogTimes } from './watchdog.ts'

const MOST_TICKETS = 500

export interface TicketQueueOptions {
  /** Milliseconds until a call fails with `queue_unavailable`; 2,000 by default. */
  readonly timeoutMs?: number
  /** How soon a worker that has stopped fetching is replaced; looks every 5 s and replaces after 15 s by default. */
  readonly watchdog?: WatchdogTimes
  readonly log?: QueueLog
}

export interface RedisQueueOptions extends TicketQueueOptions {
  /** `redis:` or, for TLS, `rediss:`. */
  readonly url: string
  /** What all keys begin with; `{lading}` by default. The braces keep a queue's keys in one slot of a Redis Cluster. */
  readonly prefix?: string
}

export interface PostgresQueueOptions extends TicketQueueOptions {
  readonly connectionString: string
  /** The schema that BullMQ's tables are made in, a plain identifier; `lading_queue` by default. */
  readonly schema?: string
}

/** Tickets over BullMQ on Redis. Returns at once; connects, and connects again, by itself. */
export function openRedisQueue(options: RedisQueueOptions): BullTicketQueue {
  const { url, prefix = '{lading}', timeoutMs = 2_000, log = silent } = options
  return new BullTicketQueue(new RedisTicketBackend(url, prefix, timeoutMs, seldom(log)), prefix, options)
}

/** Tickets over BullMQ on PostgreSQL 15 or later. Returns at once; makes its tables when the server answers. */
export function openPostgresQueue(options: PostgresQueueOptions): BullTicketQueue {
  const { connectionString, schema = 'lading_queue', log = silent } = options
  return new BullTicketQueue(
    new PostgresTicketBackend(connectionString, schema, seldom(log)),
    schema,
    options,
  )
}

export class BullTicketQueue implements TicketQueue {
  readonly #backend: TicketBackend
  readonly #prefix: string
  readonly #timeoutMs: number
  readonly #watchdog: WatchdogTimes
  readonly #log: QueueLog
  readonly #consumers = new Set<BullTicketConsumer>()

  constructor(backend: TicketBackend, prefix: string, options: TicketQueueOptions) {
    this.#backend = backend
    this.#prefix = prefix
    this.#timeoutMs = options.timeoutMs ?? 2_000
    this.#watchdog = options.watchdog ?? { everyMs: 5_000, starvedMs: 15_000 }
    this.#log = options.log ?? silent
  }

  async add(route: string, tickets: readonly Ticket[]): Promise<void> {
    const name = queueName(route)
    if (tickets.length > MOST_TICKETS) {
      throw new RangeError(`at most ${MOST_TICKETS} tickets can be added at once, not ${tickets.length}`)
    }
    if (tickets.length === 0) return
    const jobs = tickets.map((ticket) => ({
      name: 'deliver',
      data: { workId: ticket.workId, epoch: ticket.epoch },
      opts: { ...TICKET_JOB, jobId: jobId(ticket) },
    }))
    await this.#limited('tickets could not be added', async () => {
      const queue = await this.#backend.producer(name)
      await queue.addBulk(jobs)
    })
  }

  async missing(route: string, tickets: readonly Ticket[]): Promise<Ticket[]> {
    const name = queueName(route)
    if (tickets.length === 0) return []
    const held = await this.#limited('tickets could not be looked for', () =>
      this.#backend.held(name, tickets.map(jobId)),
    )
    return tickets.filter((ticket) => !held.has(jobId(ticket)))
  }

  consume(route: string, options: { slots: number; handler: TicketHandler }): BullTicketConsumer {
    const name = queueName(route)
    const consumer = new BullTicketConsumer({
      ...options,
      backend: this.#backend,
      name,
      prefix: this.#prefix,
      watchdog: this.#watchdog,
      waiting: () => this.#waiting(name),
      log: seldom(this.#log),
    })
    this.#consumers.add(consumer)
    return consumer
  }

  async check(): Promise<void> {
    await this.#limited('the queue does not answer', () => this.#backend.ping())
  }

  /** Closes what consumers are still open, then the connections. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#consumers].map((consumer) => consumer.close(new Error('the queue is closing'))),
    )
    await withinLimit(this.#timeoutMs, 'the queue could not be closed in an orderly way', () =>
      this.#backend.close(),
    ).catch((error) => this.#log('warn', 'the queue was left without a farewell', { error }))
  }

  async #waiting(name: string): Promise<number> {
    return await this.#limited('waiting tickets could not be counted', async () => {
      const queue = await this.#backend.producer(name)
      return await queue.getWaitingCount()
    })
  }

  #limited<T>(what: string, work: () => Promise<T>): Promise<T> {
    return withinLimit(this.#timeoutMs, what, work)
  }
}
