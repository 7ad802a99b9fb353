import type { ListedPack } from '@lading/core'

/** Milliseconds for which a count stands. */
const MIN_AGE_MS = 5_000
/** A count stands for this many times as long as it took, so that counting a large backlog stays a small cost. */
const AGE_PER_COST = 20

/** Bytes in all packs, by counting them now and then. Others add and remove packs too, so nothing else is true. */
export class UsedBytes {
  readonly #list: () => AsyncIterable<ListedPack>
  #bytes = 0
  #standsUntil = Number.NEGATIVE_INFINITY
  #counting: Promise<void> | undefined

  constructor(list: () => AsyncIterable<ListedPack>) {
    this.#list = list
  }

  async read(): Promise<number> {
    if (performance.now() >= this.#standsUntil) {
      this.#counting ??= this.#count()
      await this.#counting
    }
    return this.#bytes
  }

  async #count(): Promise<void> {
    const startedAt = performance.now()
    let bytes = 0
    try {
      for await (const pack of this.#list()) bytes += pack.size
      const endedAt = performance.now()
      this.#bytes = bytes
      this.#standsUntil = endedAt + Math.max(MIN_AGE_MS, AGE_PER_COST * (endedAt - startedAt))
    } finally {
      this.#counting = undefined
    }
  }
}
