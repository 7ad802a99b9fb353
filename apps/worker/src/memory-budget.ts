import { BLOCK_SIZE } from '@lading/core'

/** A buffer on loan. Give it back as soon as nobody reads it any more. */
export interface Loan {
  readonly buffer: Buffer
  release(): void
}

interface Waiting {
  readonly bytes: number
  readonly grant: (loan: Loan) => void
}

/**
 * Bounds the bytes of files that are in memory at once. First come, first served: a large request is not overtaken
 * for ever by small ones. Buffers of one block are kept and lent again, since allocating 8 MiB costs a page fault for
 * each 4 KiB of it.
 */
export class MemoryBudget {
  readonly #total: number
  readonly #kept: Buffer[] = []
  readonly #waiting = new Set<Waiting>()
  #lent = 0

  constructor(totalBytes: number) {
    this.#total = totalBytes
  }

  /** Bytes on loan; never more than the budget, unless a single loan is larger than it. */
  get lent(): number {
    return this.#lent
  }

  /** Bytes in memory: on loan, or kept for the next loan. As bounded as those on loan. */
  get held(): number {
    return this.#lent + this.#kept.length * BLOCK_SIZE
  }

  /** A request for more than the whole budget is granted when nothing else is lent. Rejects with the signal's reason. */
  async borrow(bytes: number, signal: AbortSignal): Promise<Loan> {
    signal.throwIfAborted()
    if (this.#waiting.size === 0 && this.#fits(bytes)) return this.#lend(bytes)
    return await new Promise<Loan>((resolve, reject) => {
      const abandon = () => {
        this.#waiting.delete(waiting)
        reject(signal.reason)
        this.#grantWaiting()
      }
      const waiting: Waiting = {
        bytes,
        grant: (loan) => {
          signal.removeEventListener('abort', abandon)
          resolve(loan)
        },
      }
      this.#waiting.add(waiting)
      signal.addEventListener('abort', abandon, { once: true })
    })
  }

  #fits(bytes: number): boolean {
    return this.#lent === 0 || this.#lent + footprint(bytes) <= this.#total
  }

  #lend(bytes: number): Loan {
    const size = footprint(bytes)
    this.#lent += size
    const whole = this.#allocate(size)
    let released = false
    return {
      buffer: whole.subarray(0, bytes),
      release: () => {
        if (released) return
        released = true
        this.#lent -= size
        if (size === BLOCK_SIZE && this.held + size <= this.#total) this.#kept.push(whole)
        this.#grantWaiting()
      },
    }
  }

  #allocate(size: number): Buffer {
    const kept = size === BLOCK_SIZE ? this.#kept.pop() : undefined
    while (this.#kept.length > 0 && this.held > this.#total) this.#kept.pop()
    return kept ?? Buffer.allocUnsafe(size)
  }

  #grantWaiting(): void {
    for (const next of this.#waiting) {
      if (!this.#fits(next.bytes)) return
      this.#waiting.delete(next)
      next.grant(this.#lend(next.bytes))
    }
  }
}

/** What a loan takes: all of a block where it takes most of one, so that its buffer serves the next loan as well. */
function footprint(bytes: number): number {
  return bytes > BLOCK_SIZE / 2 && bytes < BLOCK_SIZE ? BLOCK_SIZE : bytes
}
