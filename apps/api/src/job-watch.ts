import type { Job } from '@lading/catalog'
import { jobHasEnded } from '@lading/core'
import type { Logger } from 'pino'

/** Hints that jobs may have changed. They may be lost, late, or for nothing. */
export interface JobChanges {
  /** Calls `listener` with ids of jobs; returns what ends it. */
  onHint(listener: (jobIds: string[]) => void): () => void
}

/** Jobs in one query of the poller. */
const PEEK_LIMIT = 1000
/** Milliseconds between looks at a job: from the first, growing with the age of the watch, to the last. */
const FIRST_INTERVAL_MS = 100
const LAST_INTERVAL_MS = 2000
/** Milliseconds over which hints are gathered. */
const HINT_GATHER_MS = 5

interface Watch {
  readonly since: number
  due: number
  readonly listeners: Set<(job: Job) => void>
}

/**
 * One poller for all who wait for jobs: a hint makes a job due at once, and as hints may be lost, it comes due by
 * itself, more slowly with age. Nothing ticks while nobody waits.
 */
export class JobWatch {
  readonly #peek: (jobIds: string[]) => Promise<Job[]>
  readonly #log: Logger
  readonly #unhint: () => void
  readonly #watches = new Map<string, Watch>()
  #timer: NodeJS.Timeout | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  #looking = false

  constructor(peek: (jobIds: string[]) => Promise<Job[]>, changes: JobChanges, log: Logger) {
    this.#peek = peek
    this.#log = log
    this.#unhint = changes.onHint((jobIds) => this.#hinted(jobIds))
  }

  /** Calls `listener` with each state of the job that a look finds, changed or not; returns what ends it. */
  subscribe(jobId: string, listener: (job: Job) => void): () => void {
    const now = performance.now()
    let watch = this.#watches.get(jobId)
    if (watch === undefined) {
      watch = { since: now, due: now + FIRST_INTERVAL_MS, listeners: new Set() }
      this.#watches.set(jobId, watch)
    }
    const { listeners } = watch
    listeners.add(listener)
    this.#schedule(watch.due)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#watches.get(jobId)?.listeners === listeners)
        this.#watches.delete(jobId)
      if (this.#watches.size === 0) this.#sleep()
    }
  }

  /** Resolves when the job has ended, the milliseconds have passed, or the signal fires; with nothing: ask the catalog. */
  async untilEnded(jobId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || timeoutMs <= 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const finish = () => resolve()
    const timer = setTimeout(finish, timeoutMs)
    signal.addEventListener('abort', finish, { once: true })
    const unsubscribe = this.subscribe(jobId, (job) => {
      if (jobHasEnded(job.state)) finish()
    })
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      unsubscribe()
    }
  }

  close(): void {
    this.#unhint()
    this.#watches.clear()
    this.#sleep()
  }

  #hinted(jobIds: readonly string[]): void {
    const due = performance.now() + HINT_GATHER_MS
    for (const jobId of jobIds) {
      const watch = this.#watches.get(jobId)
      if (watch === undefined) continue
      watch.due = Math.min(watch.due, due)
      this.#schedule(watch.due)
    }
  }

  #schedule(at: number): void {
    if (this.#looking || at >= this.#wakeAt) return
    clearTimeout(this.#timer)
    this.#wakeAt = at
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, at - performance.now()))
  }

  #sleep(): void {
    clearTimeout(this.#timer)
    this.#wakeAt = Number.POSITIVE_INFINITY
  }

  async #look(): Promise<void> {
    this.#looking = true
    this.#wakeAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    const due = [...this.#watches].filter(([, watch]) => watch.due <= now + 1)
    for (const [, watch] of due) watch.due = now + intervalAt(now - watch.since)
    for (let from = 0; from < due.length; from += PEEK_LIMIT) {
      await this.#lookAt(due.slice(from, from + PEEK_LIMIT).map(([jobId]) => jobId))
    }
    this.#looking = false
    let next = Number.POSITIVE_INFINITY
    for (const watch of this.#watches.values()) next = Math.min(next, watch.due)
    if (next !== Number.POSITIVE_INFINITY) this.#schedule(next)
  }

  /** A look that fails is repeated when the jobs come due again; those who wait hear of it when they ask the catalog. */
  async #lookAt(jobIds: string[]): Promise<void> {
    try {
      for (const job of await this.#peek(jobIds)) {
        for (const listener of [...(this.#watches.get(job.jobId)?.listeners ?? [])]) this.#tell(listener, job)
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'could not look at the jobs that clients wait for')
    }
  }

  /** A listener that fails must not keep the news from the others. */
  #tell(listener: (job: Job) => void, job: Job): void {
    try {
      listener(job)
    } catch (error) {
      this.#log.error({ err: error, job_id: job.jobId }, 'could not tell a client of its job')
    }
  }
}

function intervalAt(ageMs: number): number {
  return Math.min(LAST_INTERVAL_MS, Math.max(FIRST_INTERVAL_MS, ageMs / 5))
}
