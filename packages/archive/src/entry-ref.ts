import { type ErrorCode, LadingError } from '@lading/protocol'

/** Characters of a name that a refusal repeats. */
const NAME_LENGTH = 80

/** Controls, formats such as bidi marks, lone surrogates, private use, and separators other than the space. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\u00a0]/gu

/** An entry as refusals speak of it: by its number, from 1, and by its name once that is known. */
export class EntryRef {
  readonly index: number
  name: string | undefined

  constructor(index: number, name?: string) {
    this.index = index
    this.name = name
  }

  /** Throws; `fault` goes on from `Entry 2 ("a/b.txt") `. */
  refuse(fault: string, code: ErrorCode = 'archive_malformed'): never {
    throw new LadingError(code, `${this} ${fault}`)
  }

  toString(): string {
    return this.name === undefined ? `Entry ${this.index}` : `Entry ${this.index} (${quotedName(this.name)})`
  }
}

/** A name out of an archive, safe to repeat: cut, and with what cannot be seen written as escapes. */
export function quotedName(name: string): string {
  const cut = name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH)}…` : name
  return JSON.stringify(cut).replace(UNSEEN, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
}
