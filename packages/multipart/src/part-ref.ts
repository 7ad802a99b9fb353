import { type ErrorCode, LadingError } from '@lading/protocol'

/** A part of the body as refusals speak of it: by its number, from 1 (0: what comes before the first), and by its name once known. */
export class PartRef {
  readonly index: number
  name: string | undefined

  constructor(index: number) {
    this.index = index
  }

  /** Throws; `fault` goes on from "Part 2 ("file") ". */
  refuse(fault: string, code: ErrorCode = 'multipart_part_invalid'): never {
    throw new LadingError(code, `${this} ${fault}`)
  }

  toString(): string {
    if (this.index === 0) return 'The start of the body'
    return this.name === undefined
      ? `Part ${this.index}`
      : `Part ${this.index} (${JSON.stringify(this.name)})`
  }
}
