import { setTimeout as delay } from 'node:timers/promises'
import type { Ticket, TicketConsumer, TicketHandler } from '@lading/core'
import { type Job, WaitingError } from 'bullmq'
import { ticketOf } from './names.ts'
import type { QueueLog } from './queue-log.ts'
import { Slots } from './slots.ts'
import type { TicketBackend } from './ticket-backend.ts'
import { TicketWorker } from './ticket-worker.ts'
import { type WatchdogTimes, watch } from './watchdog.ts'

/** How long an orderly close may take once the handlers have ended, in milliseconds. */
const CLOSING_GRACE_MS = 2_000

export interface ConsumerOptions {
  readonly backend: TicketBackend
  /** BullMQ's name of the queue. */
  readonly name: string
  readonly prefix: string
  readonly slots: number
  readonly handler: TicketHandler
  readonly watchdog: WatchdogTimes
  /** How many tickets wait. Has a time limit. */
  readonly waiting: () => Promise<number>
  readonly log: QueueLog
}

/** Hands tickets to a handler through a BullMQ worker, which it opens when the server answers and replaces when it sticks. */
export class BullTicketConsumer implements TicketConsumer {
  readonly #options: ConsumerOptions
  readonly #slots: Slots
  readonly #stop = new AbortController()
  readonly #handling = new Map<AbortController, { worker: TicketWorker; ended: Promise<void> }>()
  readonly #retiring = new Set<Promise<void>>()
  readonly #watchdog: { stop(): void }
  #worker: TicketWorker | undefined
  #opening: Promise<void>
  #taken = 0
  #revived = 0
  #closing: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.#slots = new Slots(options.slots)
    this.#opening = this.#open()
    this.#watchdog = watch(
      {
        idle: () => this.#worker !== undefined && this.#slots.idle > 0,
        taken: () => this.#taken,
        waiting: options.waiting,
        revive: () => this.#revive(),
      },
      options.watchdog,
    )
  }

  get revived(): number {
    return this.#revived
  }

  /** The BullMQ worker that fetches now, if the server has answered yet. For diagnosis, and for tests to trouble it. */
  get worker(): TicketWorker | undefined {
    return this.#worker
  }

  close(reason: unknown): Promise<void> {
    this.#closing ??= this.#close(reason)
    return this.#closing
  }

  /** A BullMQ worker on PostgreSQL that fails to connect once stays dead, so none is made before the server answers. */
  async #open(): Promise<void> {
    const { backend, log } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        await Promise.race([backend.ready(), aborted(this.#stop.signal)])
        if (!this.#stop.signal.aborted) this.#worker = this.#newWorker()
        return
      } catch (error) {
        log('warn', 'a consumer waits for the queue', { queue: this.#options.name, error })
        await delay(500, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
  }

  #newWorker(): TicketWorker {
    const { backend, name, slots, prefix, log } = this.#options
    const worker = new TicketWorker(
      name,
      (job, token) => this.#process(worker, job, token),
      slots,
      backend.workerConnections(),
      prefix,
    )
    worker.on('error', (error) => tell(log, name, error))
    return worker
  }

  async #process(worker: TicketWorker, job: Job<Ticket, void>, token: string | undefined): Promise<void> {
    this.#taken++
    const ticket = ticketOf(job.data)
    if (!ticket) {
      this.#options.log('warn', 'a job that is no ticket was dropped', {
        queue: this.#options.name,
        job: job.id,
      })
      return
    }
    await this.#slots.take()
    try {
      if (worker !== this.#worker || this.#stop.signal.aborted) await handBack(job, token)
      await this.#handle(worker, ticket)
    } finally {
      this.#slots.give()
    }
  }

  /**
   * The signal is our own, and fires only on closing. BullMQ's would also have to fire when a lock is lost; but a lock
   * is no lease, and a FLUSHALL that takes every lock must not cost every upload that is under way.
   */
  async #handle(worker: TicketWorker, ticket: Ticket): Promise<void> {
    const controller = new AbortController()
    const { name, handler, log } = this.#options
    const ended = (async () => {
      try {
        await handler(ticket, controller.signal)
      } catch (error) {
        log('warn', 'a ticket handler failed, which it promises not to', { queue: name, ...ticket, error })
      }
    })()
    this.#handling.set(controller, { worker, ended })
    await ended
    this.#handling.delete(controller)
  }

  #revive(): void {
    const old = this.#worker
    if (!old || this.#stop.signal.aborted) return
    this.#revived++
    this.#options.log('warn', 'a worker had stopped fetching and was replaced', { queue: this.#options.name })
    this.#worker = this.#newWorker()
    const retiring = this.#retire(old)
    this.#retiring.add(retiring)
    retiring.then(() => this.#retiring.delete(retiring))
  }

  async #retire(worker: TicketWorker): Promise<void> {
    await worker.pause(true)
    const handling = [...this.#handling.values()].filter((one) => one.worker === worker)
    await Promise.all(handling.map((one) => one.ended))
    await worker.shut(CLOSING_GRACE_MS)
  }

  async #close(reason: unknown): Promise<void> {
    this.#stop.abort()
    this.#watchdog.stop()
    await this.#opening
    const retiring = this.#worker ? this.#retire(this.#worker) : undefined
    for (const controller of this.#handling.keys()) controller.abort(reason)
    await Promise.all([retiring, ...this.#retiring])
  }
}

/** For a job that was fetched while its worker was being stopped: another one takes it at once. */
async function handBack(job: Job<Ticket, void>, token: string | undefined): Promise<never> {
  await job.moveToWait(token)
  throw new WaitingError()
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/**
 * BullMQ's codes for a job that is no longer where its worker left it (`ErrorCode`: no such job, no such lock, not
 * active, another's lock). Expected after a flush, an eviction, or an outage longer than the lock: the handler has
 * done its work, and what came of it stands in the catalog.
 */
const TICKET_GONE = new Set<unknown>([-1, -2, -3, -6])

function tell(log: QueueLog, queue: string, error: Error): void {
  const gone =
    TICKET_GONE.has((error as { code?: unknown }).code) || error.message.startsWith('could not renew lock')
  if (gone) log('debug', 'a ticket was gone from the queue before its handler ended', { queue, error })
  else log('warn', 'a worker met an error', { queue, error })
}
