import { setTimeout as delay } from 'node:timers/promises'
import type { Ticket } from '@lading/core'
import { type IQueueBackend, type Job, type JobProgress, type Processor, Worker } from 'bullmq'
import { queueOptions } from './queue-options.ts'
import type { WorkerConnections } from './ticket-backend.ts'

/**
 * How long a lock holds, in milliseconds. A lock fences nothing here, the lease in the catalog does: it only tells the
 * tickets of workers that have died from those being handled, so that the former are swept out of the queue.
 */
const LOCK_MS = 60_000
const LONGEST_BACKOFF_MS = 5_000

export type TicketProcessor = Processor<Ticket, void>

/** BullMQ's worker, with a pause after failed fetches, and an end that comes in bounded time. */
export class TicketWorker extends Worker<Ticket, void, string, IQueueBackend, JobProgress, object> {
  readonly #connections: WorkerConnections
  #failures = 0

  constructor(
    name: string,
    processor: TicketProcessor,
    slots: number,
    connections: WorkerConnections,
    prefix: string,
  ) {
    const options = {
      ...queueOptions(prefix),
      concurrency: slots,
      lockDuration: LOCK_MS,
      // A ticket whose lock ran out is failed, thus removed, and not handled again: its lease runs out too, and the
      // dispatcher adds one of the next epoch.
      maxStalledCount: 0,
      // Seconds that an idle worker waits for a wake-up before it looks by itself. A wake-up takes a millisecond or
      // so on both backends; this is only how soon a lost one is made good.
      drainDelay: 5,
      // How long BullMQ pauses after a refused connection; 15 s is its own default.
      runRetryDelay: 1_000,
    }
    super(name, processor, options, connections.factory)
    this.#connections = connections
  }

  /**
   * BullMQ's loop asks again at once after an error that is not a refused connection. A Redis that is out of memory,
   * or a PostgreSQL that is starting up, then costs a whole core; so an error holds up the next fetch.
   */
  protected override async moveToActive(token: string, name?: string): Promise<Job<Ticket, void>> {
    try {
      const job = await super.moveToActive(token, name)
      this.#failures = 0
      return job
    } catch (error) {
      this.#failures++
      await this.#backOff()
      throw error
    }
  }

  /** Closes in an orderly way, or after `graceMs` milliseconds cuts the connections. Wants all handlers ended. */
  async shut(graceMs: number): Promise<void> {
    const abort = new AbortController()
    await Promise.race([
      this.close(),
      delay(graceMs, undefined, { signal: abort.signal }).catch(() => undefined),
    ])
    abort.abort()
    // When the server is away, `close` hangs before it comes to this timer, which would keep the process alive.
    await this.lockManager.close()
    this.#connections.cut()
  }

  async #backOff(): Promise<void> {
    const until = performance.now() + Math.min(100 * 2 ** this.#failures, LONGEST_BACKOFF_MS)
    while (performance.now() < until && !this.closing && !this.paused) await delay(50)
  }
}
