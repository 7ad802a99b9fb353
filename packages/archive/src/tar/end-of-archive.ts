import { LadingError } from '@lading/protocol'
import { BLOCK } from './layout.ts'

/**
 * What follows the last entry: at least two blocks of zeros (POSIX.1-2017, pax), and then zeros as far as it goes, since
 * writers fill up a record, of 10,240 bytes unless told otherwise.
 */
export class EndOfArchive {
  #zeros = 0

  get isComplete(): boolean {
    return this.#zeros >= 2 * BLOCK
  }

  /** Takes a chunk from `at` on, which is at `position` in the archive. */
  read(chunk: Buffer, at: number, position: number): void {
    for (let index = at; index < chunk.length; index++) {
      if (chunk[index] !== 0) this.#refuse(position + index - at)
      this.#zeros++
    }
  }

  #refuse(position: number): never {
    const where = this.isComplete ? 'after the end of the archive' : 'after a lone block of zeros'
    const advice = 'an archive ends with two blocks of zeros and nothing else; send archives one by one'
    throw new LadingError(
      'archive_malformed',
      `Byte ${position} of the tar, ${where}, is not zero: ${advice}`,
    )
  }
}
