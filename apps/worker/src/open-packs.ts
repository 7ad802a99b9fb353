import type { DeliverableFile } from '@lading/catalog'
import type { PackReader, Spool } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { ReadAhead } from './read-ahead.ts'

/** The packs that a ticket reads, each opened once and closed with the ticket. */
export class OpenPacks implements AsyncDisposable {
  readonly #spools: ReadonlyMap<string, Spool>
  readonly #files: readonly DeliverableFile[]
  readonly #open = new Map<string, Promise<PackReader>>()

  constructor(spools: ReadonlyMap<string, Spool>, files: readonly DeliverableFile[]) {
    this.#spools = spools
    this.#files = files
  }

  /** Fails with `spool_lost` when none of the spools has it. */
  open(packId: string): Promise<PackReader> {
    let pack = this.#open.get(packId)
    if (!pack) {
      pack = this.#find(packId)
      this.#open.set(packId, pack)
    }
    return pack
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opening of await Promise.allSettled(this.#open.values())) {
      if (opening.status === 'fulfilled') await opening.value.close()
    }
  }

  async #find(packId: string): Promise<PackReader> {
    for (const spool of this.#spools.values()) {
      try {
        return new ReadAhead(await spool.open(packId), this.#endOfFiles(packId))
      } catch (error) {
        if (!(error instanceof LadingError) || error.code !== 'spool_lost') throw error
      }
    }
    throw new LadingError(
      'spool_lost',
      `pack ${packId} is in none of this worker's spools; upload the file again`,
    )
  }
  #endOfFiles(packId: string): number {
    const ends = this.#files
      .filter((file) => file.packId === packId)
      .map((file) => file.packOffset + file.size)
    return Math.max(...ends)
  }
}
