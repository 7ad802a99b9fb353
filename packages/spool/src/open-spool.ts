import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { GrowingPack, ListedPack, PackReader, PackWriter, Spool, SpoolSpace } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { DirectorySync } from './directory-sync.ts'
import { openGrowingPack } from './growing-pack.ts'
import { SpoolLayout } from './layout.ts'
import { listGrowing, listPacks } from './list-packs.ts'
import { openPack } from './pack-reader.ts'
import { LocalPackWriter } from './pack-writer.ts'
import { removeFile } from './remove-file.ts'
import { Reservation } from './reservation.ts'
import { SpaceLedger } from './space-ledger.ts'
import { writeFault } from './spool-fault.ts'
import { readIdentity, spoolIdentity } from './spool-identity.ts'
import { syncDirectory } from './sync-directory.ts'
import { UsedBytes } from './used-bytes.ts'

export interface SpoolOptions {
  /** Bytes of the file system that packs leave free. */
  readonly lowWaterBytes: number
}

/**
 * Opens the spool in a local directory, or makes it. Several processes may have the same spool open, on one host or
 * through a shared file system. Fails with `spool_unavailable` or `spool_full`.
 */
export async function openSpool(directory: string, options: SpoolOptions): Promise<Spool> {
  const layout = new SpoolLayout(resolve(directory))
  try {
    await makeDirectory(layout.incoming)
    await makeDirectory(layout.packs)
    await makeDirectory(layout.growing)
    const id = await spoolIdentity(layout)
    return new LocalSpool(id, layout, await DirectorySync.open(layout.packs), options)
  } catch (error) {
    throw writeFault(error)
  }
}

class LocalSpool implements Spool {
  readonly id: string
  readonly #layout: SpoolLayout
  readonly #names: DirectorySync
  readonly #ledger: SpaceLedger
  readonly #used: UsedBytes

  constructor(id: string, layout: SpoolLayout, names: DirectorySync, { lowWaterBytes }: SpoolOptions) {
    this.id = id
    this.#layout = layout
    this.#names = names
    this.#ledger = new SpaceLedger(() => freeBytes(layout.root), lowWaterBytes)
    this.#used = new UsedBytes(() => everyPack(layout))
  }

  async create(
    packId: string,
    { expectedBytes, ownsChunks = false }: { expectedBytes: number; ownsChunks?: boolean },
  ): Promise<PackWriter> {
    this.#layout.incomingPack(packId)
    const reservation = await Reservation.make(this.#ledger, expectedBytes)
    return new LocalPackWriter(packId, this.#layout, this.#names, reservation, ownsChunks)
  }

  async grow(
    packId: string,
    { from, expectedBytes }: { from: number; expectedBytes: number },
  ): Promise<GrowingPack> {
    const reservation = await Reservation.make(this.#ledger, expectedBytes)
    return await openGrowingPack(packId, from, this.#layout, this.#names, reservation)
  }

  open(packId: string): Promise<PackReader> {
    return openPack(this.#layout, packId)
  }

  /** The name's going is not made durable: a pack that comes back after a crash is one that nothing refers to. */
  async remove(packId: string): Promise<void> {
    await removeFile(this.#layout.sealedPack(packId))
  }

  async removePartial(packId: string): Promise<void> {
    await removeFile(this.#layout.incomingPack(packId))
  }

  async removeGrowing(packId: string): Promise<void> {
    await removeFile(this.#layout.growingPack(packId))
  }

  listGrowing(): AsyncIterable<ListedPack> {
    return listGrowing(this.#layout)
  }

  list(): AsyncIterable<ListedPack> {
    return listPacks(this.#layout)
  }

  async space(): Promise<SpoolSpace> {
    const [room, used] = await Promise.all([this.#ledger.snapshot(), this.#used.read()])
    return { ...room, used }
  }

  /** Writes and drops a small file, and reads the id again: a disk that was unmounted leaves a writable directory. */
  async check(): Promise<void> {
    const probe = join(this.#layout.incoming, 'check')
    try {
      const id = await readIdentity(this.#layout)
      if (id !== this.id)
        throw new LadingError(
          'spool_unavailable',
          'its directory is no longer this spool: it was removed, or replaced by another',
        )
      await writeFile(probe, 'x', { mode: 0o660 })
      await rm(probe, { force: true })
    } catch (error) {
      throw writeFault(error)
    }
  }

  /** Writers and readers are closed by those who opened them. */
  async close(): Promise<void> {
    await this.#names[Symbol.asyncDispose]()
  }
}

async function* everyPack(layout: SpoolLayout): AsyncIterable<ListedPack> {
  yield* listPacks(layout)
  yield* listGrowing(layout)
}

async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (error) {
    throw writeFault(error)
  }
}

/** Makes a directory and its parents, each with a name that is durable. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o770 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}
