import { pause } from '../pause.ts'

export interface Clock {
  /** Milliseconds from any beginning. */
  now(): number
  /** Ends early when the signal fires. */
  pause(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * Keeps what is taken to so much a second, on average: each taker waits until what was taken before it is paid for. What
 * was not taken in time is not saved up, so that no burst follows a rest.
 */
export class Pace {
  readonly #perSecond: number
  readonly #clock: Clock
  #paidAt = 0

  /** 0 is no bound. */
  constructor(perSecond: number, clock: Clock = SYSTEM_CLOCK) {
    this.#perSecond = perSecond === 0 ? Number.POSITIVE_INFINITY : perSecond
    this.#clock = clock
  }

  /** Rejects with the signal's reason when it fires first. */
  async take(amount: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now()
    const start = Math.max(now, this.#paidAt)
    this.#paidAt = start + (amount / this.#perSecond) * 1000
    if (start > now) await this.#clock.pause(start - now, signal)
    signal.throwIfAborted()
  }
}

const SYSTEM_CLOCK: Clock = { now: () => performance.now(), pause }
