import type { OutgoingEntry } from './entry.ts'
import { quotedName } from './entry-ref.ts'

/**
 * Holds whoever writes an archive to the order of its pieces. What it throws is a fault of that program, not of a
 * request: bytes were sent that no reader could follow, and the archive must be left without its trailer.
 */
export class OpenEntry {
  #entry: OutgoingEntry | undefined
  #closed = false

  begin(entry: OutgoingEntry): void {
    this.#checkBetween(`the header of ${quotedName(entry.path)}`)
    if (entry.path === '' || entry.path.includes('\0')) throw new Error('An entry needs a name without NUL')
    if (
      !Number.isSafeInteger(entry.size) ||
      entry.size < 0 ||
      (entry.type === 'directory' && entry.size > 0)
    ) {
      throw new Error(`${quotedName(entry.path)} cannot have a size of ${entry.size} bytes`)
    }
    this.#entry = entry
  }

  end(size: number): void {
    if (this.#entry === undefined) throw new Error('padding before header')
    const { path, size: announced } = this.#entry
    if (size !== announced)
      throw new Error(`${quotedName(path)} has ${size} bytes; its header says ${announced}`)
    this.#entry = undefined
  }

  close(): void {
    this.#checkBetween('the trailer')
    this.#closed = true
  }

  #checkBetween(next: string): void {
    if (this.#closed) throw new Error(`The archive was ended before ${next}`)
    if (this.#entry !== undefined)
      throw new Error(`${quotedName(this.#entry.path)} was not ended before ${next}`)
  }
}
