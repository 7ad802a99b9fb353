import type { PackReader, Spool } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** The packs that a ticket reads, each opened once and closed with the ticket. */
export class OpenPacks implements AsyncDisposable {
  readonly #spools: ReadonlyMap<string, Spool>
  readonly #open = new Map<string, Promise<PackReader>>()

  constructor(spools: ReadonlyMap<string, Spool>) {
    this.#spools = spools
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
        return await spool.open(packId)
      } catch (error) {
        if (!(error instanceof LadingError) || error.code !== 'spool_lost') throw error
      }
    }
    throw new LadingError(
      'spool_lost',
      `pack ${packId} is in none of this worker's spools; upload the file again`,
    )
  }
}
