/**
 * Temporary storage. The bytes of one request are one pack; every file of the request is a slice (offset, length) of
 * it. A pack that was sealed never changes.
 */
export interface Spool {
  /** The spool's own identity, kept in the spool itself; the queue of its work is named after it. */
  readonly id: string

  /**
   * Starts a pack, and reserves `expectedBytes` (0 when the length is not known). Fails with `spool_full` when the
   * free space less all reservations would go below the low-water mark. `ownsChunks`: whoever writes does not use a
   * chunk again, so that its memory is given back when it is written, and not when a garbage collection finds it.
   */
  create(packId: string, options: { expectedBytes: number; ownsChunks?: boolean }): Promise<PackWriter>

  /**
   * Opens the pack of an upload that comes in several requests, cut to its first `from` bytes (those that were synced and
   * promised); with `from` 0 it is made. Reserves `expectedBytes`. One process has it open at a time: its caller sees to
   * that. Fails with `spool_full`, and `spool_lost` when those bytes are not there.
   */
  grow(packId: string, options: { from: number; expectedBytes: number }): Promise<GrowingPack>

  /** Drops a pack that was never sealed. One that is gone is success. */
  removeGrowing(packId: string): Promise<void>

  /** Packs between two requests of their upload. */
  listGrowing(): AsyncIterable<ListedPack>

  /** Opens a sealed pack. Fails with `spool_lost` when it is not there. */
  open(packId: string): Promise<PackReader>

  /** Drops a sealed pack. One that is gone is success. */
  remove(packId: string): Promise<void>

  /** Every pack there is, sealed or not, for reconciliation. Never the whole list in memory. */
  list(): AsyncIterable<ListedPack>

  /** Drops an unsealed pack that a dead process left behind. One that is gone is success. */
  removePartial(packId: string): Promise<void>

  space(): Promise<SpoolSpace>

  /** Fails with a `LadingError` when the spool cannot be written. */
  check(): Promise<void>

  close(): Promise<void>
}

export interface PackWriter extends AsyncDisposable {
  readonly packId: string
  /** Bytes taken so far: the offset of the next one. */
  readonly position: number

  /**
   * Takes the chunk; it must not be changed afterwards. `undefined` means go on at once; a promise means wait for it
   * (back-pressure). A failed write (`spool_full` on ENOSPC) rejects the promise, and every later call.
   */
  write(chunk: Buffer): Promise<void> | undefined

  /** All bytes to the disk (one fsync), then the name, then the directory. Only then is the pack kept. */
  seal(): Promise<void>

  /** Drops the pack and its reservation. Safe at any time, also while writes are under way, and after a failure. */
  discard(): Promise<void>

  /** Discards the pack unless it was sealed. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A pack that outlives its writer: disposing of it leaves on the disk what was written. */
export interface GrowingPack extends AsyncDisposable {
  readonly packId: string
  /** The offset of the next byte that is taken. */
  readonly position: number

  /** As `PackWriter.write`, and the chunk is not the caller's afterwards. */
  write(chunk: Buffer): Promise<void> | undefined

  /** Fills `target` from `offset` on, of bytes that were there when it was opened, or were synced since. */
  read(target: Buffer, offset: number): Promise<void>

  /** All bytes taken so far are on the disk when it returns. */
  sync(): Promise<void>

  /** As `PackWriter.seal`. One that is sealed already, by a process that died thereafter, is success. */
  seal(): Promise<void>
}

export interface PackReader extends AsyncDisposable {
  readonly packId: string
  /** Where the pack is a file of this machine: its path. */
  readonly path: string | undefined

  /**
   * Fills `target` from `offset` on (bytes). Fails with `spool_damaged` when the pack ends before that. Several reads
   * may be under way at once.
   */
  read(target: Buffer, offset: number): Promise<void>

  close(): Promise<void>
}

export interface ListedPack {
  readonly packId: string
  /** Bytes. */
  readonly size: number
  readonly modifiedAt: Date
  readonly sealed: boolean
}

export interface SpoolSpace {
  /** Bytes that may still be written before the low-water mark, less reservations; not below 0. */
  readonly available: number
  /** Bytes free on the file system for this user. */
  readonly free: number
  /** Bytes in packs, sealed or not. */
  readonly used: number
  /** Bytes reserved by packs that are being written. */
  readonly reserved: number
}
