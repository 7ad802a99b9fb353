import type { PartRef } from './part-ref.ts'

/**
 * Gathers the lines of one part's header from chunks that may end anywhere. It keeps at most the header's limit in
 * bytes, and faults are found at the same byte however the chunks fall.
 */
export class HeaderLines {
  /** Complete lines without their CRLF, one character for each byte. */
  readonly lines: string[] = []
  readonly #part: PartRef
  readonly #maxBytes: number
  #bytes = 0
  #unfinished = ''

  constructor(part: PartRef, maxBytes: number) {
    this.#part = part
    this.#maxBytes = maxBytes
  }

  /** Reads from `from` on; returns where the body begins, or -1 if the header goes on in the next chunk. */
  read(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; ) {
      const lineFeed = chunk.indexOf(LF, at)
      const end = lineFeed === -1 ? chunk.length : lineFeed + 1
      this.#count(end - at)
      this.#unfinished += chunk.toString('latin1', at, end)
      if (lineFeed === -1) return -1
      at = end
      if (this.#finishLine() === '') return at
    }
    return -1
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#maxBytes) {
      this.#part.refuse(`has a header of more than ${this.#maxBytes} bytes`, 'multipart_header_too_large')
    }
  }

  #finishLine(): string {
    const line = this.#unfinished
    if (!line.endsWith('\r\n')) {
      this.#part.refuse('has a header line that ends with LF alone; send CRLF', 'multipart_malformed')
    }
    this.#unfinished = ''
    const content = line.slice(0, -2)
    if (content !== '') this.lines.push(content)
    return content
  }
}

const LF = 0x0a
