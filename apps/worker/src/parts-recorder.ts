import type { PartReceipt } from '@lading/core'

/** How often the ledger hears of parts, milliseconds: often enough for a progress display. */
const INTERVAL_MS = 500

/** Gathers the receipts of parts, so that the ledger has one statement for many; one is under way at a time. */
export class PartsRecorder {
  readonly #record: (parts: PartReceipt[]) => Promise<void>
  readonly #failed: (error: unknown) => void
  #pending: PartReceipt[] = []
  #running: Promise<void> | undefined
  #last = performance.now()

  constructor(record: (parts: PartReceipt[]) => Promise<void>, failed: (error: unknown) => void) {
    this.#record = record
    this.#failed = failed
  }

  add(part: PartReceipt): void {
    this.#pending.push(part)
    if (!this.#running && performance.now() - this.#last >= INTERVAL_MS) void this.#run()
  }

  /** Records what is left. Does not fail: the ledger's parts tell the progress; the store's list is what resuming uses. */
  async flush(): Promise<void> {
    await this.#running
    if (this.#pending.length > 0) await this.#run()
  }

  #run(): Promise<void> {
    const parts = this.#pending
    this.#pending = []
    this.#last = performance.now()
    this.#running = this.#record(parts)
      .catch((error: unknown) => {
        this.#failed(error)
        this.#pending = [...parts, ...this.#pending].slice(0, 10_000)
      })
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }
}
