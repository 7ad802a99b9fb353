import assert from 'node:assert/strict'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { checkpoint, type PackWriter } from '@lading/core'
import type { DirectorySync } from './directory-sync.ts'
import type { SpoolLayout } from './layout.ts'
import { removeFile } from './remove-file.ts'
import type { Reservation } from './reservation.ts'
import { WriteBehind } from './write-behind.ts'

/**
 * Writes one pack. The file is made with the first batch, so that a small pack is a few system calls in a row at its
 * end, and a request that is refused early never touches the disk.
 */
export class LocalPackWriter implements PackWriter {
  readonly packId: string
  readonly #layout: SpoolLayout
  readonly #names: DirectorySync
  readonly #reservation: Reservation
  readonly #bytes: WriteBehind
  /** The name under which this writer made the file; undefined before that. */
  #path: string | undefined
  #sealing: Promise<void> | undefined
  #sealed = false
  #discarding: Promise<void> | undefined

  /** `names` is the directory of sealed packs. */
  constructor(
    packId: string,
    layout: SpoolLayout,
    names: DirectorySync,
    reservation: Reservation,
    ownsChunks: boolean,
  ) {
    this.packId = packId
    this.#layout = layout
    this.#names = names
    this.#reservation = reservation
    this.#bytes = new WriteBehind({ open: () => this.#makeFile(), reservation, from: 0, ownsChunks })
  }

  get position(): number {
    return this.#bytes.position
  }

  write(chunk: Buffer): Promise<void> | undefined {
    assert(this.#sealing === undefined && this.#discarding === undefined, 'the pack has ended')
    return this.#bytes.write(chunk)
  }

  seal(): Promise<void> {
    assert(this.#discarding === undefined, 'the pack has ended')
    this.#sealing ??= this.#seal()
    return this.#sealing
  }

  discard(): Promise<void> {
    this.#discarding ??= this.#discard()
    return this.#discarding
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#sealing])
    if (!this.#sealed) await this.discard()
  }

  async #makeFile(): Promise<FileHandle> {
    const path = this.#layout.incomingPack(this.packId)
    const file = await open(path, 'wx', 0o660)
    this.#path = path
    return file
  }

  /**
   * First the bytes, then the name: after a crash at any instant a pack is whole or is not in `packs`. Of the two
   * directories only the one that gains the name needs its fsync: a name that stays in `incoming` is swept. A failed
   * fsync is never tried again, as the kernel may have dropped the pages that it could not write (fsync(2)).
   */
  async #seal(): Promise<void> {
    const file = await this.#bytes.sync()
    try {
      const sealedPath = this.#layout.sealedPack(this.packId)
      await rename(this.#layout.incomingPack(this.packId), sealedPath)
      this.#path = sealedPath
      await Promise.all([this.#names.sync(), file.close()])
      checkpoint('spool.after-sync')
    } catch (error) {
      throw this.#bytes.fail(error)
    }
    this.#sealed = true
    this.#reservation.release()
  }

  /** Waits for what is under way, and drops the pack, sealed or not. */
  async #discard(): Promise<void> {
    await Promise.allSettled([this.#sealing])
    const file = await this.#bytes.stop()
    try {
      await file?.close()
      if (this.#path !== undefined) await removeFile(this.#path)
    } finally {
      this.#reservation.release()
    }
  }
}
