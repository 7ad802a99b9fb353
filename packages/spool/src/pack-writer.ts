import assert from 'node:assert/strict'
import { type FileHandle, open, rename } from 'node:fs/promises'
import type { PackWriter } from '@lading/core'
import type { LadingError } from '@lading/protocol'
import { ChunkQueue } from './chunk-queue.ts'
import type { DirectorySync } from './directory-sync.ts'
import { EarlySync } from './early-sync.ts'
import { freeMemory } from './free-memory.ts'
import type { SpoolLayout } from './layout.ts'
import { removeFile } from './remove-file.ts'
import type { Reservation } from './reservation.ts'
import { writeFault } from './spool-fault.ts'
import { writeAll } from './write-all.ts'

/** Bytes that are worth a write: one for each 64 KiB that a socket gives would make the writer the bottleneck. */
const BATCH_BYTES = 256 * 1024
/** Bytes waiting or being written beyond which the sender must wait. */
const MAX_PENDING_BYTES = 1024 * 1024

/**
 * Writes one pack: one batch of chunks is on its way to the disk while the next is gathered. The file is made with the
 * first batch, so that a small pack is a few system calls in a row at its end, and a request that is refused early
 * never touches the disk.
 */
export class LocalPackWriter implements PackWriter {
  readonly packId: string
  readonly #layout: SpoolLayout
  readonly #names: DirectorySync
  readonly #reservation: Reservation
  readonly #ownsChunks: boolean
  readonly #queue = new ChunkQueue()
  readonly #earlySync = new EarlySync()
  #file: FileHandle | undefined
  /** The name under which this writer made the file; undefined before that. */
  #path: string | undefined
  #position = 0
  #written = 0
  /** The write under way. It never rejects: a failure is kept, and given to whoever calls next. */
  #flushing: Promise<void> | undefined
  #failure: LadingError | undefined
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
    this.#ownsChunks = ownsChunks
  }

  get position(): number {
    return this.#position
  }

  write(chunk: Buffer): Promise<void> | undefined {
    assert(this.#sealing === undefined && this.#discarding === undefined, 'the pack has ended')
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (chunk.length === 0) return undefined
    this.#position += chunk.length
    this.#queue.push(chunk)
    if (this.#flushing === undefined && this.#isWorthAWrite()) this.#flush()
    const pending = this.#position - this.#written
    return pending > MAX_PENDING_BYTES || this.#queue.isFull ? this.#turn() : undefined
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

  #isWorthAWrite(): boolean {
    return this.#queue.bytes >= BATCH_BYTES || this.#queue.isFull
  }

  #flush(): void {
    this.#flushing = this.#writeBatch().then(() => {
      this.#flushing = undefined
      if (this.#failure !== undefined) this.#queue.clear()
      else if (this.#discarding === undefined && this.#isWorthAWrite()) this.#flush()
    })
  }

  async #writeBatch(): Promise<void> {
    const { chunks, bytes } = this.#queue.take()
    try {
      await this.#reservation.claim(bytes)
      const file = this.#file ?? (await this.#makeFile())
      await writeAll(file, chunks, this.#written)
      if (this.#ownsChunks) chunks.forEach(freeMemory)
      this.#written += bytes
      this.#reservation.spend(bytes)
      this.#earlySync.grown(file, this.#written)
    } catch (error) {
      this.#failure = writeFault(error)
    }
  }

  async #makeFile(): Promise<FileHandle> {
    const path = this.#layout.incomingPack(this.packId)
    this.#file = await open(path, 'wx', 0o660)
    this.#path = path
    return this.#file
  }

  /** Waits for the write under way. */
  async #turn(): Promise<void> {
    await this.#flushing
    if (this.#failure !== undefined) throw this.#failure
  }

  async #seal(): Promise<void> {
    await this.#turn()
    do {
      if (this.#flushing === undefined) this.#flush()
      await this.#turn()
    } while (this.#written < this.#position)
    try {
      await this.#makeDurable()
    } catch (error) {
      this.#failure = writeFault(error)
      throw this.#failure
    }
    this.#sealed = true
    this.#reservation.release()
  }

  /**
   * First the bytes, then the name: after a crash at any instant a pack is whole or is not in `packs`. Of the two
   * directories only the one that gains the name needs its fsync: a name that stays in `incoming` is swept. A failed
   * fsync is never tried again, as the kernel may have dropped the pages that it could not write (fsync(2)).
   */
  async #makeDurable(): Promise<void> {
    const [file, path] = [this.#file, this.#path]
    assert(file !== undefined && path !== undefined, 'a pack has its file when all is written')
    await this.#earlySync.finish(file)
    const sealedPath = this.#layout.sealedPack(this.packId)
    await rename(path, sealedPath)
    this.#path = sealedPath
    this.#file = undefined
    await Promise.all([this.#names.sync(), file.close()])
  }

  /** Waits for what is under way, and drops the pack, sealed or not. */
  async #discard(): Promise<void> {
    await Promise.allSettled([this.#sealing, this.#flushing])
    this.#queue.clear()
    try {
      await this.#file?.close()
      if (this.#path !== undefined) await removeFile(this.#path)
    } finally {
      this.#reservation.release()
    }
  }
}
