/**
 * Finds the delimiter (CRLF, two hyphens, boundary: RFC 2046, 5.1.1) in chunks that may end anywhere, and passes on what
 * lies before it as slices of the chunks.
 *
 * Bytes at a chunk's end that may begin a delimiter are held back, but only their number is kept: they are by definition
 * the delimiter's own first bytes. CR stands in the delimiter at its beginning and nowhere else, as a boundary cannot
 * hold one, so that of a match that fails no later byte can begin another: one comparison over a chunk's edge is enough.
 */
export class DelimiterSearch {
  readonly #delimiter: Buffer
  readonly #onData: (chunk: Buffer) => void
  /** Bytes of the delimiter that the input so far ends with. */
  #held = 0
  /** Whether the first two of them, CRLF, are the end of the line before and so were never data. */
  #atLineStart = false

  /** `onData` gets slices of the chunks, or a copy of at most the delimiter's length; never an empty one. */
  constructor(boundary: string, onData: (chunk: Buffer) => void) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#onData = onData
  }

  /** Whether the input ends within what may be a delimiter, beyond its line break. */
  get isMidway(): boolean {
    return this.#held > CRLF_LENGTH
  }

  /** Begins a search at the start of a line, where the delimiter needs no CRLF of its own. */
  begin(): void {
    this.#held = CRLF_LENGTH
    this.#atLineStart = true
  }

  /** Searches from `from` on; returns where the delimiter ends, or -1 if it is not in this chunk. */
  search(chunk: Buffer, from: number): number {
    if (this.#held > 0) {
      const at = this.#continue(chunk, from)
      if (this.#held > 0) return -1
      if (at !== -1) return at
    }
    const found = chunk.indexOf(this.#delimiter, from)
    const end = found === -1 ? this.#startOfHeld(chunk, from) : found
    if (end > from) this.#onData(chunk.subarray(from, end))
    if (found !== -1) return found + this.#delimiter.length
    this.#held = chunk.length - end
    return -1
  }

  /** Goes on with the held bytes: returns the delimiter's end, or -1 with bytes still held (chunk used up) or none. */
  #continue(chunk: Buffer, from: number): number {
    const delimiter = this.#delimiter
    let held = this.#held
    let at = from
    while (at < chunk.length && held < delimiter.length && chunk[at] === delimiter[held]) {
      at++
      held++
    }
    if (held < delimiter.length && at === chunk.length) {
      this.#held = held
      return -1
    }
    const data = delimiter.subarray(this.#atLineStart ? CRLF_LENGTH : 0, this.#held)
    this.#held = 0
    this.#atLineStart = false
    if (held === delimiter.length) return at
    if (data.length > 0) this.#onData(Buffer.from(data))
    return -1
  }

  /** Where, at the end of `chunk`, a beginning of the delimiter starts; the chunk's length if it does not. */
  #startOfHeld(chunk: Buffer, from: number): number {
    const { length } = chunk
    const start = chunk.lastIndexOf(CR)
    if (start < from || length - start >= this.#delimiter.length) return length
    for (let at = start + 1; at < length; at++) {
      if (chunk[at] !== this.#delimiter[at - start]) return length
    }
    return start
  }
}

const CR = 0x0d
const CRLF_LENGTH = 2
