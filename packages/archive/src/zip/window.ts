/** Fills all of `target` with the archive's bytes from `offset` on, or fails. It is asked for no byte beyond the size. */
export type ReadAt = (target: Buffer, offset: number) => Promise<void>

/** Bytes that are read at once, so that neighbouring headers of small files cost one read. */
const READ_AHEAD = 64 * 1024

/** A stretch of the archive in memory: 64 KiB, or as much as the longest record that was asked for (192 KiB at most). */
export class Window {
  readonly #read: ReadAt
  readonly #end: number
  #buffer = Buffer.allocUnsafeSlow(READ_AHEAD)
  #start = 0
  #length = 0

  /** Reads nothing from the byte `end` on. */
  constructor(read: ReadAt, end: number) {
    this.#read = read
    this.#end = end
  }

  /** The bytes if they are in memory; valid until the next `load`. */
  held(offset: number, length: number): Buffer | undefined {
    const at = offset - this.#start
    return at >= 0 && at + length <= this.#length ? this.#buffer.subarray(at, at + length) : undefined
  }

  /** The bytes, and after them as many as there is room for. The caller has checked that they end before `end`. */
  async load(offset: number, length: number): Promise<Buffer> {
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(length)
    const ahead = Math.min(this.#buffer.length, this.#end - offset)
    this.#length = 0
    await this.#read(this.#buffer.subarray(0, ahead), offset)
    this.#start = offset
    this.#length = ahead
    return this.#buffer.subarray(0, length)
  }
}
