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
  readonly #blocks: Buffer[] = []
  readonly #waiting: Waiting[] = []
  #lent = 0

  constructor(totalBytes: number) {
    this.#total = totalBytes
  }

  /** Bytes on loan. */
  get lent(): number {
    return this.#lent
  }

  /** A request for more than the whole budget is granted when nothing else is lent. Rejects with the signal's reason. */
  async borrow(bytes: number, signal: AbortSignal): Promise<Loan> {
    signal.throwIfAborted()
    if (this.#waiting.length === 0 && this.#fits(bytes)) return this.#lend(bytes)
    return await new Promise<Loan>((resolve, reject) => {
      const abandon = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        this.#grantWaiting()
        reject(signal.reason)
      }
      const waiting: Waiting = {
        bytes,
        grant: (loan) => {
          signal.removeEventListener('abort', abandon)
          resolve(loan)
        },
      }
      this.#waiting.push(waiting)
      signal.addEventListener('abort', abandon, { once: true })
    })
  }

  #fits(bytes: number): boolean {
    return this.#lent === 0 || this.#lent + bytes <= this.#total
  }

  #lend(bytes: number): Loan {
    this.#lent += bytes
    const isBlock = bytes > BLOCK_SIZE / 2 && bytes <= BLOCK_SIZE
    const whole = isBlock
      ? (this.#blocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_SIZE))
      : Buffer.allocUnsafe(bytes)
    let released = false
    return {
      buffer: whole.subarray(0, bytes),
      release: () => {
        if (released) return
        released = true
        this.#lent -= bytes
        if (isBlock) this.#blocks.push(whole)
        this.#grantWaiting()
      },
    }
  }

  #grantWaiting(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      next.grant(this.#lend(next.bytes))
    }
  }
}
