/** A bell between those who notice that there may be something to do and the one who does it. */
export class WakeUp {
  #rung = false
  #waiter: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#waiter?.()
  }

  /** Until it is rung (also if it was since the last wait), the time is over, or the signal fires. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ms)
      this.#waiter = resolve
      signal.addEventListener('abort', this.#waiter, { once: true })
      await promise
      signal.removeEventListener('abort', this.#waiter)
      clearTimeout(timer)
      this.#waiter = undefined
    }
    this.#rung = false
  }
}
