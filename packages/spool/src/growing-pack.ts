import { type FileHandle, open, rename } from 'node:fs/promises'
import type { GrowingPack } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectorySync } from './directory-sync.ts'
import type { SpoolLayout } from './layout.ts'
import { LocalPackReader } from './pack-reader.ts'
import type { Reservation } from './reservation.ts'
import { isAbsent, writeFault } from './spool-fault.ts'
import { syncDirectory } from './sync-directory.ts'
import { WriteBehind } from './write-behind.ts'

/** See `Spool.grow`. The reservation is the pack's from here on. */
export async function openGrowingPack(
  packId: string,
  from: number,
  layout: SpoolLayout,
  names: DirectorySync,
  reservation: Reservation,
): Promise<GrowingPack> {
  try {
    const { file, sealed } = await openFile(packId, from, layout)
    return new LocalGrowingPack(packId, from, file, sealed, { layout, names, reservation })
  } catch (error) {
    reservation.release()
    throw writeFault(error)
  }
}

interface Opened {
  readonly file: FileHandle
  readonly sealed: boolean
}

/** A pack that was sealed by a process which died before it could say so is as good as one that is still growing. */
async function openFile(packId: string, from: number, layout: SpoolLayout): Promise<Opened> {
  const growing = await openIfThere(layout.growingPack(packId), 'r+')
  if (growing !== undefined) return { file: await cutTo(growing, from, packId), sealed: false }
  const sealed = await openIfThere(layout.sealedPack(packId), 'r')
  if (sealed !== undefined) return { file: sealed, sealed: true }
  if (from > 0) throw lost(packId)
  const file = await open(layout.growingPack(packId), 'wx+', 0o660)
  await syncDirectory(layout.growing)
  return { file, sealed: false }
}

async function openIfThere(path: string, flags: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** What lies beyond was written and never promised: it may not even be what was sent, after a loss of power. */
async function cutTo(file: FileHandle, length: number, packId: string): Promise<FileHandle> {
  const { size } = await file.stat()
  if (size < length) {
    await file.close()
    throw lost(packId)
  }
  if (size > length) await file.truncate(length)
  return file
}

function lost(packId: string): LadingError {
  return new LadingError('spool_lost', `the bytes of ${packId} are not in this spool`)
}

interface Place {
  readonly layout: SpoolLayout
  /** The directory of sealed packs. */
  readonly names: DirectorySync
  readonly reservation: Reservation
}

class LocalGrowingPack implements GrowingPack {
  readonly packId: string
  readonly #place: Place
  readonly #file: FileHandle
  readonly #reader: LocalPackReader
  readonly #bytes: WriteBehind
  #sealed: boolean

  constructor(packId: string, from: number, file: FileHandle, sealed: boolean, place: Place) {
    this.packId = packId
    this.#place = place
    this.#file = file
    this.#sealed = sealed
    this.#reader = new LocalPackReader(packId, file)
    const { reservation } = place
    this.#bytes = new WriteBehind({ open: async () => file, reservation, from, ownsChunks: true })
  }

  get position(): number {
    return this.#bytes.position
  }

  write(chunk: Buffer): Promise<void> | undefined {
    return this.#bytes.write(chunk)
  }

  read(target: Buffer, offset: number): Promise<void> {
    return this.#reader.read(target, offset)
  }

  async sync(): Promise<void> {
    await this.#bytes.sync()
  }

  async seal(): Promise<void> {
    if (this.#sealed) return
    await this.sync()
    const { layout, names } = this.#place
    try {
      await rename(layout.growingPack(this.packId), layout.sealedPack(this.packId))
      await names.sync()
    } catch (error) {
      throw this.#bytes.fail(error)
    }
    this.#sealed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bytes.stop()
    this.#place.reservation.release()
    await this.#file.close()
  }
}
