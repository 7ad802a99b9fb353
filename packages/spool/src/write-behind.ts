import type { FileHandle } from 'node:fs/promises'
import { checkpoint } from '@lading/core'
import type { LadingError } from '@lading/protocol'
import { ChunkQueue } from './chunk-queue.ts'
import { EarlySync } from './early-sync.ts'
import { freeMemory } from './free-memory.ts'
import type { Reservation } from './reservation.ts'
import { writeFault } from './spool-fault.ts'
import { writeAll } from './write-all.ts'

/** Bytes that are worth a write: one for each 64 KiB that a socket gives would make the writer the bottleneck. */
const BATCH_BYTES = 256 * 1024
/** Bytes waiting or being written beyond which the sender must wait. */
const MAX_PENDING_BYTES = 1024 * 1024

export interface WriteBehindOptions {
  /** Called once, with the first batch. */
  readonly open: () => Promise<FileHandle>
  readonly reservation: Reservation
  /** Offset of the first byte in the file. */
  readonly from: number
  /** Whether nobody uses a chunk after it was handed over. */
  readonly ownsChunks: boolean
}

/** Writes chunks to the end of a file: one batch of them is on its way to the disk while the next is gathered. */
export class WriteBehind {
  readonly #options: WriteBehindOptions
  readonly #queue = new ChunkQueue()
  readonly #earlySync = new EarlySync()
  #file: FileHandle | undefined
  #position: number
  #written: number
  /** The write under way. It never rejects: a failure is kept, and given to whoever calls next. */
  #flushing: Promise<void> | undefined
  #failure: LadingError | undefined
  #stopped = false

  constructor(options: WriteBehindOptions) {
    this.#options = options
    this.#position = options.from
    this.#written = options.from
  }

  /** Offset of the next byte that is taken. */
  get position(): number {
    return this.#position
  }

  /** See `PackWriter.write`. */
  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (chunk.length === 0) return undefined
    this.#position += chunk.length
    this.#queue.push(chunk)
    if (this.#flushing === undefined && this.#isWorthAWrite()) this.#flush()
    const pending = this.#position - this.#written
    return pending > MAX_PENDING_BYTES || this.#queue.isFull ? this.#turn() : undefined
  }

  /** All bytes that were taken are on the disk. The file, which is made if there were none. */
  async sync(): Promise<FileHandle> {
    await this.#turn()
    while (this.#file === undefined || this.#written < this.#position) {
      if (this.#flushing === undefined) this.#flush()
      await this.#turn()
    }
    try {
      checkpoint('spool.before-sync')
      await this.#earlySync.finish(this.#file)
    } catch (error) {
      throw this.fail(error)
    }
    return this.#file
  }

  /** Every later call fails with this. */
  fail(error: unknown): LadingError {
    this.#failure = writeFault(error)
    return this.#failure
  }

  /** Drops what waits, once the write under way has ended. The file, if it was made; whoever stops closes it. */
  async stop(): Promise<FileHandle | undefined> {
    this.#stopped = true
    await this.#flushing
    this.#queue.clear()
    return this.#file
  }

  #isWorthAWrite(): boolean {
    return this.#queue.bytes >= BATCH_BYTES || this.#queue.isFull
  }

  #flush(): void {
    this.#flushing = this.#writeBatch().then(() => {
      this.#flushing = undefined
      if (this.#failure !== undefined) this.#queue.clear()
      else if (!this.#stopped && this.#isWorthAWrite()) this.#flush()
    })
  }

  async #writeBatch(): Promise<void> {
    const { open, reservation, ownsChunks } = this.#options
    const { chunks, bytes } = this.#queue.take()
    try {
      await reservation.claim(bytes)
      this.#file ??= await open()
      await writeAll(this.#file, chunks, this.#written)
      if (ownsChunks) chunks.forEach(freeMemory)
      this.#written += bytes
      reservation.spend(bytes)
      this.#earlySync.grown(this.#file, this.#written)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Waits for the write under way. */
  async #turn(): Promise<void> {
    await this.#flushing
    if (this.#failure !== undefined) throw this.#failure
  }
}
