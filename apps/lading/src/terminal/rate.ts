/** Milliseconds over which a rate is taken: short enough to follow a link, long enough not to jump. */
const WINDOW_MS = 10_000

/** Bytes a second, of late. */
export class Rate {
  readonly #seen: { readonly atMs: number; readonly bytes: number }[] = []

  /** `bytes`: all so far. Undefined: too little was seen. */
  after(bytes: number, atMs: number): number | undefined {
    this.#seen.push({ atMs, bytes })
    while (this.#seen.length > 2 && (this.#seen[1]?.atMs ?? 0) < atMs - WINDOW_MS) this.#seen.shift()
    const [first] = this.#seen
    if (first === undefined || atMs - first.atMs < 500) return undefined
    return ((bytes - first.bytes) * 1000) / (atMs - first.atMs)
  }
}
