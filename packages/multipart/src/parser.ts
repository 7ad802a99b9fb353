import { LadingError } from '@lading/protocol'
import { checkBoundary } from './boundary.ts'
import { DelimiterLine, Epilogue } from './delimiter-line.ts'
import { DelimiterSearch } from './delimiter-search.ts'
import { HeaderLines } from './header-lines.ts'
import { type MultipartLimits, PREAMBLE_BYTES } from './limits.ts'
import { type PartHeader, parsePartHeader } from './part-header.ts'
import { PartRef } from './part-ref.ts'

/** Is told of each part, in order, within the call of `write` that brings the bytes. */
export interface MultipartHandler {
  /** A part's header has been read. Throw to refuse. */
  partBegin(header: PartHeader): void
  /** Some of its bytes: a slice of the chunk that was written, valid for as long as that is. Never empty. */
  partData(chunk: Buffer): void
  /** The part is complete: the boundary after it has been read. */
  partEnd(): void
}

/**
 * A strict parser of multipart/form-data (RFC 7578 over RFC 2046), written to with chunks of any size.
 *
 * What it does not understand it refuses, and nothing is dropped: each byte of the input is either framing that it has
 * checked, a preamble of at most 1,024 bytes, or passed to the handler. It holds no stream and no promise (a caller
 * slows down by pausing the request), copies no body byte but the few that may begin a boundary over a chunk's edge, and
 * keeps no more than one part's header. After an error, its own or the handler's, every call throws that error again.
 *
 * A body without any part is well formed. Each refusal names the part by its number, from 1, and by its name if known.
 */
export class MultipartParser {
  readonly #boundary: string
  readonly #handler: MultipartHandler
  readonly #limits: MultipartLimits
  readonly #search: DelimiterSearch
  #state: 'preamble' | 'delimiter' | 'header' | 'body' | 'epilogue' = 'preamble'
  #line: DelimiterLine
  readonly #epilogue = new Epilogue()
  #part = new PartRef(0)
  #header: HeaderLines
  #empty = true
  #preambleBytes = 0
  #ended = false
  #failure: { readonly error: unknown } | undefined

  /** @throws LadingError `multipart_boundary_invalid`. */
  constructor(boundary: string, handler: MultipartHandler, limits: MultipartLimits) {
    checkBoundary(boundary)
    this.#boundary = boundary
    this.#handler = handler
    this.#limits = limits
    this.#line = new DelimiterLine(this.#part)
    this.#header = new HeaderLines(this.#part, limits.headerBytes)
    this.#search = new DelimiterSearch(boundary, (chunk) => this.#data(chunk))
    this.#search.begin()
  }

  /**
   * Takes the next bytes of the body.
   *
   * @throws LadingError `multipart_malformed`, `multipart_part_invalid`, `multipart_header_too_large`,
   *   `field_name_too_long`, `too_many_parts`; and whatever the handler throws.
   */
  write(chunk: Buffer): void {
    this.#guard(() => {
      if (this.#ended) throw new Error('MultipartParser: write after end')
      this.#consume(chunk)
    })
  }

  /**
   * Says that the body has ended; may be called again.
   *
   * @throws LadingError `empty_body`, `multipart_incomplete`, or `multipart_malformed` if no boundary ever came.
   */
  end(): void {
    this.#guard(() => {
      if (!this.#ended) this.#checkComplete()
      this.#ended = true
    })
  }

  #guard(step: () => void): void {
    if (this.#failure !== undefined) throw this.#failure.error
    try {
      step()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  #consume(chunk: Buffer): void {
    if (chunk.length > 0) this.#empty = false
    for (let at = 0; at !== -1 && at < chunk.length; ) at = this.#step(chunk, at)
  }

  /** Takes bytes from `at` on by the present state; returns where the next state begins, or -1 if the chunk is used up. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'preamble':
      case 'body':
        return this.#stepData(chunk, at)
      case 'delimiter':
        return this.#stepDelimiter(chunk, at)
      case 'header':
        return this.#stepHeader(chunk, at)
      case 'epilogue':
        return this.#epilogue.read(chunk, at)
    }
  }

  #stepData(chunk: Buffer, at: number): number {
    const next = this.#search.search(chunk, at)
    if (next !== -1) {
      this.#state = 'delimiter'
      this.#line = new DelimiterLine(this.#part)
    }
    return next
  }

  #stepDelimiter(chunk: Buffer, at: number): number {
    const next = this.#line.read(chunk, at)
    if (this.#line.kind === 'unknown') return next
    if (this.#part.index > 0) this.#handler.partEnd()
    if (this.#line.kind === 'part') this.#beginHeader()
    else this.#state = 'epilogue'
    return next
  }

  #beginHeader(): void {
    this.#part = new PartRef(this.#part.index + 1)
    if (this.#part.index > this.#limits.parts) {
      throw new LadingError('too_many_parts', `The body has more than ${this.#limits.parts} parts`)
    }
    this.#header = new HeaderLines(this.#part, this.#limits.headerBytes)
    this.#state = 'header'
  }

  #stepHeader(chunk: Buffer, at: number): number {
    const next = this.#header.read(chunk, at)
    if (next !== -1) {
      this.#handler.partBegin(parsePartHeader(this.#header.lines, this.#part, this.#limits))
      this.#state = 'body'
      this.#search.begin()
    }
    return next
  }

  #data(chunk: Buffer): void {
    if (this.#state === 'body') {
      this.#handler.partData(chunk)
      return
    }
    this.#preambleBytes += chunk.length
    if (this.#preambleBytes > PREAMBLE_BYTES) throw this.#noDelimiter()
  }

  #checkComplete(): void {
    if (this.#empty) throw new LadingError('empty_body', 'The body is empty; send a multipart/form-data body')
    if (this.#state === 'preamble' && !this.#search.isMidway) throw this.#noDelimiter()
    if (this.#state === 'epilogue' && !this.#epilogue.isMidway) return
    const where = this.#part.index === 0 ? 'before the first part' : `at ${this.#part}`
    const fault = this.#state === 'epilogue' ? 'with half a line break' : `without "--${this.#boundary}--"`
    throw new LadingError('multipart_incomplete', `The body ended ${where}, ${fault}`)
  }

  #noDelimiter(): LadingError {
    return new LadingError(
      'multipart_malformed',
      `No line of the first ${PREAMBLE_BYTES} bytes is "--${this.#boundary}" with CRLF: the body must begin with the boundary that Content-Type names`,
    )
  }
}
