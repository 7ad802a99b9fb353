import type { PackReader } from '@lading/core'

/** Bytes that are read at once: some dozens of small files. */
const WINDOW = 256 * 1024
/** Reads of more than this go to the pack themselves. */
const LARGEST = WINDOW / 4

interface Window {
  readonly start: number
  readonly end: number
  readonly bytes: Promise<Buffer>
}

/**
 * Reads a pack in windows, for the small files of a ticket that lie in it one behind the other: a read of its own for
 * each costs more than its bytes. Holds one window at a time, besides those that are still being copied from.
 */
export class ReadAhead implements PackReader {
  readonly packId: string
  readonly path: string | undefined
  readonly #pack: PackReader
  /** No byte from here on is read in advance: the pack may end there. */
  readonly #end: number
  #window: Window | undefined

  constructor(pack: PackReader, end: number) {
    this.packId = pack.packId
    this.path = pack.path
    this.#pack = pack
    this.#end = end
  }

  async read(target: Buffer, offset: number): Promise<void> {
    const end = offset + target.length
    if (target.length > LARGEST || end > this.#end) return await this.#pack.read(target, offset)
    const window = this.#windowOver(offset, end)
    try {
      ;(await window.bytes).copy(target, 0, offset - window.start, end - window.start)
    } catch {
      // What is wrong with a part of the window is not wrong with all that lies in it.
      await this.#pack.read(target, offset)
    }
  }

  async close(): Promise<void> {
    await this.#window?.bytes.catch(() => undefined)
    await this.#pack.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #windowOver(offset: number, end: number): Window {
    const known = this.#window
    if (known && known.start <= offset && end <= known.end) return known
    const size = Math.min(WINDOW, this.#end - offset)
    const window = { start: offset, end: offset + size, bytes: this.#fill(offset, size) }
    this.#window = window
    return window
  }

  async #fill(offset: number, size: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(size)
    await this.#pack.read(bytes, offset)
    return bytes
  }
}
