import { LadingError } from '@lading/protocol'
import { PADDING_BYTES } from './limits.ts'
import type { PartRef } from './part-ref.ts'

/** What a delimiter turned out to be: still unknown, one before a part, or the last one (RFC 2046, 5.1.1). */
type DelimiterKind = 'unknown' | 'part' | 'close'

/** Reads what follows a boundary on its line: CRLF before a part, "--" at the end; padding before the CRLF. */
export class DelimiterLine {
  kind: DelimiterKind = 'unknown'
  #at: 'start' | 'hyphen' | 'padding' | 'cr' = 'start'
  readonly #before: PartRef
  #padding = 0

  /** `before` is the part that ends with this delimiter. */
  constructor(before: PartRef) {
    this.#before = before
  }

  /** Reads from `from` on until the kind is known; returns where it stopped. */
  read(chunk: Buffer, from: number): number {
    let at = from
    while (at < chunk.length && this.kind === 'unknown') this.#take(chunk[at++])
    return at
  }

  #take(byte: number | undefined): void {
    if (this.#at === 'cr') {
      if (byte !== LF) this.#refuse(NO_LF)
      this.kind = 'part'
    } else if (this.#at === 'hyphen') {
      if (byte !== HYPHEN) this.#refuse(CONTINUES)
      this.kind = 'close'
    } else if (byte === CR) {
      this.#at = 'cr'
    } else if (byte === SPACE || byte === TAB) {
      this.#at = 'padding'
      if (++this.#padding > PADDING_BYTES) this.#refuse(PADDED)
    } else if (byte === HYPHEN && this.#at === 'start') {
      this.#at = 'hyphen'
    } else {
      this.#refuse(byte === LF ? LF_ONLY : CONTINUES)
    }
  }

  #refuse(fault: string): never {
    this.#before.refuse(`is followed by a boundary ${fault}`, 'multipart_malformed')
  }
}

/** Reads what follows the closing boundary: padding, and a CRLF if the client likes. Anything else is refused. */
export class Epilogue {
  #at: 'padding' | 'cr' | 'end' = 'padding'
  #padding = 0

  /** Whether the input ends within the line break. */
  get isMidway(): boolean {
    return this.#at === 'cr'
  }

  read(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) this.#take(chunk[at])
    return chunk.length
  }

  #take(byte: number | undefined): void {
    if (this.#at === 'padding' && (byte === SPACE || byte === TAB)) {
      if (++this.#padding > PADDING_BYTES) throw trailing()
    } else if (this.#at === 'padding' && byte === CR) {
      this.#at = 'cr'
    } else if (this.#at === 'cr' && byte === LF) {
      this.#at = 'end'
    } else {
      throw trailing()
    }
  }
}

const CONTINUES =
  'whose line goes on with other characters; no line of the content may begin with the boundary'
const LF_ONLY = 'whose line ends with LF alone; send CRLF'
const NO_LF = 'whose line has a CR without LF; send CRLF'
const PADDED = `that more than ${PADDING_BYTES} spaces or tabs follow`

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const HYPHEN = 0x2d

function trailing(): LadingError {
  return new LadingError(
    'multipart_malformed',
    `Bytes follow the closing boundary; only ${PADDING_BYTES} spaces or tabs and one CRLF may`,
  )
}
