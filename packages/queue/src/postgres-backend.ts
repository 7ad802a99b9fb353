import type { Ticket } from '@lading/core'
import {
  createPostgresBackend,
  type IQueueBackend,
  PostgresConnection,
  PostgresQueueBackend,
  Queue,
  runMigrations,
} from 'bullmq'
import { heardToTheEnd } from './heard-to-the-end.ts'
import type { QueueLog } from './queue-log.ts'
import { queueOptions } from './queue-options.ts'
import type { ProducerQueue, TicketBackend, WorkerConnections } from './ticket-backend.ts'

type PostgresQueue = Queue<Ticket, void, string, Ticket, void, string, IQueueBackend, object>

/** BullMQ on its own PostgreSQL backend, in a schema of its own. */
export class PostgresTicketBackend implements TicketBackend {
  readonly #config
  readonly #queues = new Map<string, PostgresQueue>()
  readonly #log: QueueLog
  #opened: Promise<PostgresConnection> | undefined

  constructor(connectionString: string, schema: string, log: QueueLog) {
    this.#log = log
    this.#config = {
      connectionString,
      schema,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      // Tickets carry no state: what a crash of the server takes from the last moments comes again with the next
      // epoch. Not waiting for the disk makes each of a ticket's transactions several times quicker.
      options: '-c synchronous_commit=off',
    }
  }

  async ready(): Promise<void> {
    await this.#connection()
  }

  async producer(name: string): Promise<ProducerQueue> {
    const connection = await this.#connection()
    const known = this.#queues.get(name)
    if (known) return known
    const queue: PostgresQueue = new Queue(
      name,
      queueOptions(''),
      (queueName, options) =>
        new PostgresQueueBackend(connection, queueName, { ...options, connection: this.#config }, false),
    )
    queue.on('error', (error) => this.#log('debug', 'a queue met an error', { queue: name, error }))
    this.#queues.set(name, queue)
    return queue
  }

  /** BullMQ has a call for the state of one job, a query each; this asks its table for all of them. */
  async held(name: string, ids: readonly string[]): Promise<Set<string>> {
    const { pool } = await this.#connection()
    const found = await pool.query<{ id: string }>(
      'SELECT id FROM job WHERE queue = $1 AND id = ANY ($2::text[])',
      [name, ids],
    )
    return new Set(found.rows.map((row) => row.id))
  }

  /** Seven connections at the most: four for queries, one that listens, and the producer's two. */
  workerConnections(): WorkerConnections {
    const connection = { ...this.#config, max: 4, query_timeout: 15_000 }
    return {
      factory: (name, options, use) => {
        const backend = createPostgresBackend(name, { ...options, connection }, use)
        if (backend instanceof PostgresQueueBackend) heardToTheEnd(backend.connection)
        return backend
      },
      // node-postgres has no harder end than the one that closing asks for.
      cut: () => undefined,
    }
  }

  async ping(): Promise<void> {
    const { pool } = await this.#connection()
    await pool.query('SELECT 1')
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    this.#opened = Promise.reject(new Error('the queue is closed'))
    this.#opened.catch(() => undefined)
    await opened?.close()
  }

  /** BullMQ remembers a first failure for ever, so a connection is kept only once it has answered. */
  async #connection(): Promise<PostgresConnection> {
    this.#opened ??= this.#open()
    const opening = this.#opened
    try {
      return await opening
    } catch (error) {
      if (this.#opened === opening) this.#opened = undefined
      throw error
    }
  }

  /** Makes BullMQ's tables where they are missing. An advisory lock lets one process do it when several start at once. */
  async #open(): Promise<PostgresConnection> {
    // The limit lets the first start make its tables; callers have shorter ones of their own.
    const connection = new PostgresConnection({ ...this.#config, max: 2, query_timeout: 30_000 })
    heardToTheEnd(connection)
    connection.on('error', (error) => this.#log('warn', 'the connection to PostgreSQL failed', { error }))
    try {
      const client = await connection.pool.connect()
      try {
        await runMigrations(client, connection.schema)
      } finally {
        client.release()
      }
      await connection.waitUntilReady()
      return connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }
}
