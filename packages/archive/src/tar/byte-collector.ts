/** Collects a given number of bytes. They are copied only if they come in more than one chunk. */
export class ByteCollector {
  /** What was collected: valid until the chunk is gone, or `begin` is called. */
  bytes: Buffer = Buffer.alloc(0)
  #wanted = 0
  #length = 0
  #kept = Buffer.alloc(0)

  begin(wanted: number): void {
    this.#wanted = wanted
    this.#length = 0
  }

  get isMidway(): boolean {
    return this.#length > 0
  }

  /** Takes bytes from `at` on; returns where they end, or -1 if the chunk is used up and more are wanted. */
  read(chunk: Buffer, at: number): number {
    const end = at + this.#wanted - this.#length
    if (end > chunk.length) {
      this.#keep(chunk, at, chunk.length)
      return -1
    }
    if (this.#length === 0) {
      this.bytes = chunk.subarray(at, end)
    } else {
      this.#keep(chunk, at, end)
      this.bytes = this.#kept.subarray(0, this.#wanted)
    }
    return end
  }

  #keep(chunk: Buffer, at: number, end: number): void {
    if (this.#kept.length < this.#wanted) this.#kept = Buffer.allocUnsafeSlow(this.#wanted)
    chunk.copy(this.#kept, this.#length, at, end)
    this.#length += end - at
  }
}
