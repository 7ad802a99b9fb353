/** Lets one writer at a time at a path, first come first served, within this process. */
export class KeyLocks {
  readonly #tails = new Map<string, Promise<void>>()

  async hold<T>(path: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(path)
    const { promise: done, resolve: release } = Promise.withResolvers<void>()
    this.#tails.set(path, done)
    await before
    try {
      return await work()
    } finally {
      if (this.#tails.get(path) === done) this.#tails.delete(path)
      release()
    }
  }
}
