import type { Ticket } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'

/** A lease that this worker holds. */
export interface HeldLease {
  /** Fires when the lease is lost, or can no longer be known to be held, or its job is to be cancelled. */
  readonly signal: AbortSignal
  /** Whether the job was cancelled; then the signal has fired. */
  readonly cancelled: boolean
  /** Fires when a newer file was accepted for the file's path. */
  supersededSignal(fileId: string): AbortSignal
  release(): void
}

interface Entry {
  readonly ticket: Ticket
  readonly aborter: AbortController
  readonly superseded: Map<string, AbortController>
  cancelled: boolean
  heldUntil: number
}

/**
 * Keeps the leases of this process alive, all with one statement. A lease that could not be extended in time is given
 * up here before it runs out there: for as long as somebody else may believe that the work is free, nobody works on it.
 * Time is the monotonic clock's, which goes on while the process is stopped.
 */
export class LeaseKeeper {
  readonly #context: WorkerContext
  readonly #entries = new Map<string, Entry>()
  readonly #timer: NodeJS.Timeout
  #beating = false

  constructor(context: WorkerContext) {
    this.#context = context
    // More often than the heartbeat, so that a failed one is soon repeated and the end of a lease is not slept through.
    this.#timer = setInterval(() => this.#tick(), Math.max(50, context.config.leaseMs / 6))
  }

  get size(): number {
    return this.#entries.size
  }

  /** `asked` is when (by `performance.now()`) the statement that took the lease was sent. */
  hold(ticket: Ticket, asked: number): HeldLease {
    const entry: Entry = {
      ticket,
      aborter: new AbortController(),
      superseded: new Map(),
      cancelled: false,
      heldUntil: asked + this.#context.config.leaseMs,
    }
    this.#entries.set(ticket.workId, entry)
    return {
      signal: entry.aborter.signal,
      get cancelled() {
        return entry.cancelled
      },
      supersededSignal: (fileId) => supersededOf(entry, fileId).signal,
      release: () => {
        if (this.#entries.get(ticket.workId) === entry) this.#entries.delete(ticket.workId)
      },
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    this.#dropOverdue()
    if (this.#beating || this.#entries.size === 0) return
    this.#beating = true
    this.#beat()
      .catch((error: unknown) => this.#context.log.warn({ err: error }, 'a heartbeat failed'))
      .finally(() => {
        this.#beating = false
      })
  }

  #dropOverdue(): void {
    const safety = this.#context.config.leaseMs / 5
    for (const entry of this.#entries.values()) {
      if (performance.now() > entry.heldUntil - safety) this.#lose(entry, 'it could not be extended in time')
    }
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
      if (answer.cancelRequested && !entry.cancelled) {
        entry.cancelled = true
        entry.aborter.abort(new LadingError('cancelled', 'the job was cancelled'))
      }
    }
  }

  #lose(entry: Entry, why: string): void {
    if (this.#entries.get(entry.ticket.workId) !== entry) return
    this.#entries.delete(entry.ticket.workId)
    entry.aborter.abort(
      new LadingError('lease_lost', `the lease of work ${entry.ticket.workId} is lost: ${why}`),
    )
  }
}

const SUPERSEDED = new LadingError('superseded', 'a newer file was accepted for the same path')

function supersededOf(entry: Entry, fileId: string): AbortController {
  let aborter = entry.superseded.get(fileId)
  if (!aborter) {
    aborter = new AbortController()
    entry.superseded.set(fileId, aborter)
  }
  return aborter
}
