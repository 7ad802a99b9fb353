import { makeDirectory } from './syncing.ts'

const MOST = 10_000

/**
 * Directories that were there a short while ago, so that the second file of a directory need not ask. Whoever believes it
 * has to bear that one has been removed since.
 */
export class KnownDirectories {
  readonly #known = new Map<string, Promise<void>>()

  async make(directory: string): Promise<void> {
    const known = this.#known.get(directory)
    if (known !== undefined) return await known
    if (this.#known.size >= MOST) this.#known.clear()
    const made = makeDirectory(directory)
    this.#known.set(directory, made)
    try {
      await made
    } catch (error) {
      this.#known.delete(directory)
      throw error
    }
  }
}
