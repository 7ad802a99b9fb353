import type { EntryRef } from '../entry-ref.ts'
import type { CentralRecord } from './central-record.ts'

/**
 * Where the local headers of an archive begin, so that each entry can be held to end before the next begins. Entries that
 * share bytes make bombs whose every entry looks modest (David Fifield, "A better zip bomb", WOOT 2019). 8 bytes an entry.
 */
export class Spans {
  readonly #starts: Float64Array
  readonly #end: number
  #count = 0

  /** `end` is where the central directory begins. */
  constructor(entries: number, end: number) {
    this.#starts = new Float64Array(entries)
    this.#end = end
  }

  add(headerOffset: number): void {
    this.#starts[this.#count++] = headerOffset
  }

  /** After the last `add`. */
  sort(): void {
    this.#starts.sort()
  }

  /** @throws LadingError `archive_malformed` unless the record's bytes, from its header to `end`, are its own. */
  check(record: CentralRecord, end: number, entry: EntryRef): void {
    const next = this.#starts[this.#firstFrom(record.headerOffset) + 1] ?? this.#end
    // The next start may itself be a lie that lies beyond the directory, and is refused only when its turn comes.
    const limit = Math.min(next, this.#end)
    if (end <= limit) return
    const what = limit === this.#end ? "the archive's directory" : 'another entry'
    entry.refuse(`shares bytes with ${what}: its own end at byte ${end}, and that begins at ${limit}`)
  }

  /** The index of the first start that is not before the offset. */
  #firstFrom(offset: number): number {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] as number) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
