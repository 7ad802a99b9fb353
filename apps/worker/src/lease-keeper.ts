import type { Ticket } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'

/** A lease that this worker holds. */
export interface HeldLease {
  /** Fires when the lease is lost, or can no longer be known to be held. */
  readonly lost: AbortSignal
  /** Fires when the job is to be cancelled. */
  readonly cancelled: AbortSignal
  /** Fires when a newer file was accepted for the file's path. */
  superseded(fileId: string): AbortSignal
  /**
   * Throws when the lease is lost by now. A process that was stopped and goes on comes to its next request before its
   * timers tell it how late it is.
   */
  check(): void
  release(): void
}

interface Entry {
  readonly ticket: Ticket
  readonly lost: AbortController
  readonly cancelled: AbortController
  readonly superseded: Map<string, AbortController>
  heldUntil: number
}

type KeeperContext = Pick<WorkerContext, 'catalog' | 'config' | 'log'>

/** Heartbeats in the time of a lease: so many that some may fail. */
const BEATS_PER_LEASE = 6
/**
 * What of a lease must be left for it to count as held, as a share. It is looked at with every heartbeat, so work stops
 * a twelfth of a lease before the lease ends, at the latest.
 */
const SAFETY = 1 / 4

/**
 * Keeps the leases of this process alive, all with one statement. A lease that could not be extended in time is given
 * up here before it runs out there: for as long as somebody else may believe that the work is free, nobody works on it.
 * Time is the monotonic clock's, which goes on while the process is stopped.
 */
export class LeaseKeeper {
  readonly #context: KeeperContext
  readonly #entries = new Map<string, Entry>()
  readonly #timer: NodeJS.Timeout
  #beating = false

  constructor(context: KeeperContext) {
    this.#context = context
    this.#timer = setInterval(() => this.#tick(), context.config.leaseMs / BEATS_PER_LEASE)
  }

  /** `asked` is when (by `performance.now()`) the statement that took the lease was sent. */
  hold(ticket: Ticket, asked: number): HeldLease {
    const { leaseMs } = this.#context.config
    const earlier = this.#entries.get(ticket.workId)
    // The work came back to this process before it noticed that its earlier lease had run out.
    if (earlier) this.#lose(earlier, 'a later attempt holds it')
    const entry: Entry = {
      ticket,
      lost: new AbortController(),
      cancelled: new AbortController(),
      superseded: new Map(),
      heldUntil: asked + leaseMs,
    }
    this.#entries.set(ticket.workId, entry)
    return {
      lost: entry.lost.signal,
      cancelled: entry.cancelled.signal,
      superseded: (fileId) => supersededOf(entry, fileId).signal,
      check: () => {
        this.#dropIfOverdue(entry)
        entry.lost.signal.throwIfAborted()
      },
      release: () => {
        if (this.#entries.get(ticket.workId) === entry) this.#entries.delete(ticket.workId)
      },
    }
  }

  /** What is still held is lost: nobody extends it any more. */
  close(): void {
    clearInterval(this.#timer)
    for (const entry of this.#entries.values()) this.#lose(entry, 'its worker has stopped')
  }

  #tick(): void {
    for (const entry of this.#entries.values()) this.#dropIfOverdue(entry)
    if (this.#beating || this.#entries.size === 0) return
    this.#beating = true
    this.#beat()
      .catch((error: unknown) => this.#context.log.warn({ err: error }, 'a heartbeat failed'))
      .finally(() => {
        this.#beating = false
      })
  }

  #dropIfOverdue(entry: Entry): void {
    const safety = this.#context.config.leaseMs * SAFETY
    if (performance.now() > entry.heldUntil - safety) this.#lose(entry, 'it could not be extended in time')
  }

  async #beat(): Promise<void> {
    const { catalog, config } = this.#context
    const entries = [...this.#entries.values()]
    const asked = performance.now()
    const held = await catalog.leases.heartbeat(
      entries.map((entry) => entry.ticket),
      config.leaseMs,
    )
    const answers = new Map(held.map((answer) => [answer.workId, answer]))
    for (const entry of entries) {
      const answer = answers.get(entry.ticket.workId)
      if (!answer) {
        this.#lose(entry, 'it has passed to another')
        continue
      }
      entry.heldUntil = asked + config.leaseMs
      for (const fileId of answer.supersededFiles) supersededOf(entry, fileId).abort(SUPERSEDED)
      if (answer.cancelRequested) entry.cancelled.abort(CANCELLED)
    }
  }

  #lose(entry: Entry, why: string): void {
    if (this.#entries.get(entry.ticket.workId) !== entry) return
    this.#entries.delete(entry.ticket.workId)
    entry.lost.abort(
      new LadingError('lease_lost', `the lease of work ${entry.ticket.workId} is lost: ${why}`),
    )
  }
}

const SUPERSEDED = new LadingError('superseded', 'a newer file was accepted for the same path')
const CANCELLED = new LadingError('cancelled', 'the job was cancelled')

function supersededOf(entry: Entry, fileId: string): AbortController {
  let aborter = entry.superseded.get(fileId)
  if (!aborter) {
    aborter = new AbortController()
    entry.superseded.set(fileId, aborter)
  }
  return aborter
}
