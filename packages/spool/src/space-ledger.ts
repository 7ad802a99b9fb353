import { LadingError } from '@lading/protocol'

/** Age in milliseconds up to which the last look at the file system is believed. */
const MAX_AGE_MS = 500

/**
 * Who may still write how much. Room is what the file system has free, less what packs under way have reserved, less
 * the low-water mark. Between two looks at the file system, what this process wrote is counted; what others write
 * (processes, reservations of other processes) is seen at the next look, and the low-water mark is there for it.
 */
export class SpaceLedger {
  readonly #readFree: () => Promise<number>
  readonly #lowWaterBytes: number
  #free = 0
  #reserved = 0
  #seenAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined

  /** `readFree` tells the bytes free to this user. */
  constructor(readFree: () => Promise<number>, lowWaterBytes: number) {
    this.#readFree = readFree
    this.#lowWaterBytes = lowWaterBytes
  }

  /**
   * Reserves bytes. Fails with `spool_full` when there is no room for them, but only after a fresh look: space that
   * was freed a moment ago counts.
   */
  async reserve(bytes: number): Promise<void> {
    await this.#look(MAX_AGE_MS)
    if (this.#room() < bytes) await this.#look(0)
    if (this.#room() < bytes) {
      throw new LadingError(
        'spool_full',
        `temporary storage has no room for ${bytes} more bytes above its low-water mark; send it again later`,
      )
    }
    this.#reserved += bytes
  }

  /** Reserved bytes have been written. */
  spend(bytes: number): void {
    this.#reserved -= bytes
    this.#free -= bytes
  }

  /** Reserved bytes will not be written. */
  release(bytes: number): void {
    this.#reserved -= bytes
  }

  /** Bytes, from a look at the file system that is at most half a second old. */
  async snapshot(): Promise<{ available: number; free: number; reserved: number }> {
    await this.#look(MAX_AGE_MS)
    return { available: Math.max(0, this.#room()), free: this.#free, reserved: this.#reserved }
  }

  #room(): number {
    return this.#free - this.#reserved - this.#lowWaterBytes
  }

  async #look(maxAge: number): Promise<void> {
    if (performance.now() - this.#seenAt <= maxAge) return
    this.#looking ??= this.#lookNow()
    await this.#looking
  }

  async #lookNow(): Promise<void> {
    try {
      this.#free = await this.#readFree()
      this.#seenAt = performance.now()
    } finally {
      this.#looking = undefined
    }
  }
}
