import type { FileHandle } from 'node:fs/promises'

/** Bytes written after which the disk is set to work. */
const INTERVAL_BYTES = 32 * 1024 * 1024

/**
 * Lets the disk work while a large pack is still arriving, so that the fsync at its end, for which the client waits in
 * silence, has little left to do. A small pack has that one fsync only.
 */
export class EarlySync {
  #startedAt = 0
  /** Never rejects: a failure is kept, as the kernel tells it only once (fsync(2)). */
  #running: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  /** Tells that the file has grown to `bytes`; does not wait. */
  grown(file: FileHandle, bytes: number): void {
    if (this.#running !== undefined || bytes - this.#startedAt < INTERVAL_BYTES) return
    this.#startedAt = bytes
    this.#running = this.#sync(file)
  }

  /** Waits until all that was written is on the disk. Fails with what any fsync of the file failed with. */
  async finish(file: FileHandle): Promise<void> {
    await this.#running
    if (this.#failure !== undefined) throw this.#failure.error
    await file.datasync()
  }

  async #sync(file: FileHandle): Promise<void> {
    try {
      await file.datasync()
    } catch (error) {
      this.#failure ??= { error }
    } finally {
      this.#running = undefined
    }
  }
}
