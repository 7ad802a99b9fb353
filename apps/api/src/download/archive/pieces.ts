import type { Entry } from './entries.ts'

/** Bytes that are read from the store at once. */
const PIECE_BYTES = 2 * 1024 * 1024

/** What one request to the store brings: a file, or where it is large a part of it. */
export interface Piece {
  readonly entry: Entry
  /** Offset in the file (bytes). */
  readonly start: number
  /** Bytes. */
  readonly length: number
}

/** The entries cut into pieces, in order; one without bytes has one piece without bytes. */
export async function* piecesOf(entries: AsyncIterable<Entry>): AsyncGenerator<Piece> {
  for await (const entry of entries) {
    const { size } = entry.outgoing
    let start = 0
    do {
      const length = Math.min(PIECE_BYTES, size - start)
      yield { entry, start, length }
      start += length
    } while (start < size)
  }
}

export function isWhole({ entry, length }: Piece): boolean {
  return length === entry.outgoing.size
}

export function isLast({ entry, start, length }: Piece): boolean {
  return start + length === entry.outgoing.size
}
