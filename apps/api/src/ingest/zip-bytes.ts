import type { ReadAt } from '@lading/archive'

/** Bytes that are read at once, so that many small entries in a row cost one read. */
const WINDOW_BYTES = 512 * 1024

/** Bytes of a large entry that are read at once. */
const CHUNK_BYTES = 256 * 1024

/** The bytes of an archive's entries. */
export class ZipBytes {
  readonly #read: ReadAt
  readonly #size: number
  readonly #window = Buffer.allocUnsafeSlow(WINDOW_BYTES)
  #start = 0
  #end = 0

  constructor(read: ReadAt, size: number) {
    this.#read = read
    this.#size = size
  }

  /** At most `WINDOW_BYTES`; valid until the next call. */
  async small(offset: number, length: number): Promise<Buffer> {
    if (offset < this.#start || offset + length > this.#end) {
      const end = Math.min(offset + WINDOW_BYTES, this.#size)
      this.#end = 0
      await this.#read(this.#window.subarray(0, end - offset), offset)
      this.#start = offset
      this.#end = end
    }
    return this.#window.subarray(offset - this.#start, offset - this.#start + length)
  }

  /** In chunks, each with its memory to itself. */
  async *large(offset: number, length: number): AsyncGenerator<Buffer, void, undefined> {
    for (let at = 0; at < length; at += CHUNK_BYTES) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, length - at))
      await this.#read(chunk, offset + at)
      yield chunk
    }
  }
}
