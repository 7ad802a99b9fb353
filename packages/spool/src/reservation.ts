import type { SpaceLedger } from './space-ledger.ts'

/** What one pack may write. It is used up as bytes reach the disk, and grows where the pack outgrows it. */
export class Reservation {
  readonly #ledger: SpaceLedger
  #left: number

  private constructor(ledger: SpaceLedger, bytes: number) {
    this.#ledger = ledger
    this.#left = bytes
  }

  /** Fails with `spool_full`. */
  static async make(ledger: SpaceLedger, bytes: number): Promise<Reservation> {
    await ledger.reserve(bytes)
    return new Reservation(ledger, bytes)
  }

  /** Makes sure that `bytes` may be written now. Fails with `spool_full`. */
  async claim(bytes: number): Promise<void> {
    const missing = bytes - this.#left
    if (missing <= 0) return
    await this.#ledger.reserve(missing)
    this.#left += missing
  }

  /** Bytes that were claimed have been written. */
  spend(bytes: number): void {
    this.#left -= bytes
    this.#ledger.spend(bytes)
  }

  /** Gives back what is left. Safe to repeat. */
  release(): void {
    this.#ledger.release(this.#left)
    this.#left = 0
  }
}
