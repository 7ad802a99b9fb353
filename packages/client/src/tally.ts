import type { Progress } from './options.ts'

/** Adds up what the requests of one directory have sent or fetched. */
export class Tally {
  #sent = 0
  #files = 0
  #held = { files: 0, bytes: 0 }
  readonly #onProgress: ((progress: Progress) => void) | undefined

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.#onProgress = onProgress
  }

  get progress(): Progress & { readonly files: number } {
    return { sent: this.#sent, total: undefined, files: this.#files, held: this.#held }
  }

  add(bytes: number, files: number): void {
    this.#sent += bytes
    this.#files += files
    this.#onProgress?.(this.progress)
  }

  /** What the server has, without its being sent. */
  addHeld(bytes: number, files: number): void {
    this.#held = { files: this.#held.files + files, bytes: this.#held.bytes + bytes }
    this.add(bytes, files)
  }

  /** Takes the progress of one file, which counts when all of it is sent. */
  ofFile(): (progress: Progress) => void {
    let before = 0
    let whole = false
    return ({ sent, total }) => {
      this.add(sent - before, !whole && sent === total ? 1 : 0)
      before = sent
      whole = sent === total
    }
  }
}
