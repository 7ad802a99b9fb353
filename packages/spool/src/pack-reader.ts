import { type FileHandle, open } from 'node:fs/promises'
import type { PackReader } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { SpoolLayout } from './layout.ts'
import { readFault } from './spool-fault.ts'

export async function openPack(layout: SpoolLayout, packId: string): Promise<PackReader> {
  const path = layout.sealedPack(packId)
  try {
    return new LocalPackReader(packId, await open(path, 'r'), path)
  } catch (error) {
    throw readFault(packId, error)
  }
}

export class LocalPackReader implements PackReader {
  readonly packId: string
  readonly path: string | undefined
  readonly #file: FileHandle

  /** `path` where the pack has its name for good. */
  constructor(packId: string, file: FileHandle, path?: string) {
    this.packId = packId
    this.path = path
    this.#file = file
  }

  async read(target: Buffer, offset: number): Promise<void> {
    let filled = 0
    while (filled < target.length) {
      const bytesRead = await this.#readSome(target, filled, offset + filled)
      if (bytesRead === 0) {
        throw new LadingError(
          'spool_damaged',
          `pack ${this.packId} ends at byte ${offset + filled}; ${target.length - filled} more belong to the file`,
        )
      }
      filled += bytesRead
    }
  }

  /** Waits for the reads that are under way. Safe to repeat. */
  async close(): Promise<void> {
    await this.#file.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A single `pread`, which may give less than was asked for (read(2)). */
  async #readSome(target: Buffer, filled: number, position: number): Promise<number> {
    try {
      const { bytesRead } = await this.#file.read(target, filled, target.length - filled, position)
      return bytesRead
    } catch (error) {
      throw readFault(this.packId, error)
    }
  }
}
