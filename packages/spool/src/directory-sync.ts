import { type FileHandle, open } from 'node:fs/promises'

/**
 * Makes the names in a directory durable, in groups: callers that come while one fsync is under way share the next.
 * The one under way may have begun before their rename and does not count for them.
 */
export class DirectorySync implements AsyncDisposable {
  readonly #directory: FileHandle
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  private constructor(directory: FileHandle) {
    this.#directory = directory
  }

  static async open(path: string): Promise<DirectorySync> {
    return new DirectorySync(await open(path, 'r'))
  }

  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    this.#next ??= this.#afterRunning(this.#running)
    return this.#next
  }

  /** Waits for the fsync that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory.close()
  }

  #start(): Promise<void> {
    const fsync = this.#directory.sync().finally(() => {
      if (this.#running === fsync) this.#running = undefined
    })
    this.#running = fsync
    return fsync
  }

  async #afterRunning(running: Promise<void>): Promise<void> {
    await Promise.allSettled([running])
    this.#next = undefined
    await this.#start()
  }
}
