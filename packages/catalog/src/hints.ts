import pg from 'pg'
import { connectionOptions, type Database } from './database.ts'
import type { Logger } from './logger.ts'

const WORK = 'lading_work'
const JOBS = 'lading_jobs'
/** NOTIFY takes payloads below 8,000 bytes; an id with its comma has 37. */
const IDS_PER_HINT = 200

/**
 * Hints between processes that something may have changed, over NOTIFY: they save a poll, and nothing depends on them.
 * Sent outside of the transactions that they speak of (a NOTIFY inside takes a lock on the whole database at commit:
 * 7,100 became 2,400 transactions/s), and gathered while one is under way.
 */
export class Hints {
  readonly #db: Database
  readonly #log: Logger
  readonly #pending = { work: false, jobs: new Set<string>() }
  readonly #workListeners = new Set<() => void>()
  readonly #jobListeners = new Set<(jobIds: string[]) => void>()
  #sending: Promise<void> | undefined
  #listener: pg.Client | undefined
  #reconnect: NodeJS.Timeout | undefined
  #closed = false

  constructor(db: Database, log: Logger) {
    this.#db = db
    this.#log = log
  }

  workIsReady(): void {
    this.#pending.work = true
    this.#sending ??= this.#send()
  }

  jobsChanged(jobIds: Iterable<string>): void {
    for (const jobId of jobIds) this.#pending.jobs.add(jobId)
    if (this.#pending.jobs.size > 0) this.#sending ??= this.#send()
  }

  onWork(listener: () => void): () => void {
    this.#workListeners.add(listener)
    this.#listen()
    return () => this.#workListeners.delete(listener)
  }

  onJobs(listener: (jobIds: string[]) => void): () => void {
    this.#jobListeners.add(listener)
    this.#listen()
    return () => this.#jobListeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#reconnect)
    await this.#sending
    await this.#listener?.end().catch(() => {
      // The connection is gone already, which is what was asked for.
    })
  }

  async #send(): Promise<void> {
    // Lets what happens in the same turn join.
    await new Promise(setImmediate)
    while (this.#pending.work || this.#pending.jobs.size > 0) {
      const ids = [...this.#pending.jobs].slice(0, IDS_PER_HINT)
      for (const id of ids) this.#pending.jobs.delete(id)
      const work = this.#pending.work
      this.#pending.work = false
      await this.#db
        .query(
          `SELECT CASE WHEN :work THEN pg_notify('${WORK}', '') END, CASE WHEN :ids <> '' THEN pg_notify('${JOBS}', :ids) END`,
          { work, ids: ids.join(',') },
        )
        .catch((error: unknown) =>
          this.#log.debug({ err: error }, 'a hint was not sent; polling finds the change'),
        )
    }
    this.#sending = undefined
  }

  #listen(): void {
    if (this.#listener || this.#closed) return
    const client = new pg.Client({ ...connectionOptions(this.#db.options), statement_timeout: 0 })
    this.#listener = client
    client.on('notification', (message) => this.#received(message.channel, message.payload ?? ''))
    client.on('error', (error) => this.#lost(client, error))
    client.on('end', () => this.#lost(client, new Error('the connection ended')))
    client
      .connect()
      .then(() => client.query(`LISTEN ${WORK}; LISTEN ${JOBS}`))
      .catch((error: unknown) => this.#lost(client, error))
  }

  #received(channel: string, payload: string): void {
    if (channel === WORK) for (const listener of this.#workListeners) listener()
    if (channel === JOBS) {
      const jobIds = payload.split(',').filter((id) => id !== '')
      for (const listener of this.#jobListeners) listener(jobIds)
    }
  }

  #lost(client: pg.Client, error: unknown): void {
    if (this.#listener !== client || this.#closed) return
    this.#listener = undefined
    this.#log.debug(
      { err: error },
      'the connection for hints is lost; polling goes on, and a new one is tried',
    )
    client.end().catch(() => {
      // Ending a broken connection may fail; a new one is made all the same.
    })
    this.#reconnect = setTimeout(() => this.#listen(), 1_000)
    this.#reconnect.unref()
  }
}
