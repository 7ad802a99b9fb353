const MOST_IN_A_CHUNK = 512

/** Keys in the order of their bytes, as a listing gives them; adding one costs the same however many there are. */
export class SortedKeys {
  /** Each in order, and before the next one; none is empty, unless it is the only one. */
  readonly #chunks: string[][] = [[]]

  add(key: string): void {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at] ?? []
    const place = placeIn(chunk, (other) => other < key)
    if (chunk[place] === key) return
    chunk.splice(place, 0, key)
    if (chunk.length > MOST_IN_A_CHUNK) this.#chunks.splice(at, 1, ...halves(chunk))
  }

  delete(key: string): void {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at] ?? []
    const place = placeIn(chunk, (other) => other < key)
    if (chunk[place] !== key) return
    chunk.splice(place, 1)
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1)
  }

  *after(key: string): Generator<string, void> {
    const first = this.#chunkOf(key)
    for (let at = first; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] ?? []
      yield* at === first ? chunk.slice(placeIn(chunk, (other) => other <= key)) : chunk
    }
  }

  /** The last chunk that begins at or before the key, or the first one. */
  #chunkOf(key: string): number {
    return Math.max(0, placeIn(this.#chunks, (chunk) => (chunk[0] ?? '') <= key) - 1)
  }
}

/** How many come before: `isBefore` holds for the first ones and for none after. */
function placeIn<T>(sorted: readonly T[], isBefore: (item: T) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBefore(sorted[middle] as T)) low = middle + 1
    else high = middle
  }
  return low
}

function halves(chunk: readonly string[]): [string[], string[]] {
  const middle = chunk.length >> 1
  return [chunk.slice(0, middle), chunk.slice(middle)]
}
