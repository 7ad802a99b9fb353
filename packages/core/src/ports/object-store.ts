import type { Readable } from 'node:stream'
import type { LadingError } from '@lading/protocol'
import type { Crc32, Sha256Hex } from '../digest.ts'

/** Where an object lies. `key` has no leading slash. The directory store maps a bucket to a sub-directory. */
export interface ObjectRef {
  readonly bucket: string
  readonly key: string
}

/** What was taken when the bytes were accepted; what a stored object must equal. */
export interface ObjectFacts {
  /** Bytes. */
  readonly size: number
  readonly sha256: Sha256Hex
  /** CRC-32 (IEEE 802.3) of the whole object. */
  readonly crc32: Crc32
  readonly contentType: string
}

/** An object that was proven, after the write ended, to have the facts it was written with. */
export interface StoredObject {
  readonly etag: string
  /** How it was proven, strongest first. */
  readonly proof: 'checksum' | 'etag' | 'read-back'
}

/** An object whose write the store acknowledged: proven by the acknowledgement itself, or still to be proven. */
export interface WrittenObject {
  readonly ref: ObjectRef
  readonly facts: ObjectFacts
  readonly etag: string
  readonly proof: StoredObject['proof'] | undefined
}

export interface ObjectHead {
  /** Bytes. */
  readonly size: number
  readonly etag: string
  /** Full-object CRC-32, where the store keeps one. */
  readonly crc32: Crc32 | undefined
  /** SHA-256 that Lading wrote as the object's metadata; a claim of the writer, not a proof. */
  readonly declaredSha256: Sha256Hex | undefined
}

/**
 * What must be true of the key for a write to take effect: a fencing token at the store, so that a writer that
 * was stopped and woke up again cannot overwrite what came after it. Ignored by a store whose probe says that it
 * has no conditional writes.
 */
export type Precondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'etag'; readonly etag: string }

export interface StoreCapabilities {
  /** The store refuses a part or object whose bytes do not match the CRC-32 sent with it. */
  readonly verifiesChecksums: boolean
  /** The store reports a full-object CRC-32 afterwards. */
  readonly reportsChecksums: boolean
  /** `If-Match` and `If-None-Match` hold on Put and Complete. */
  readonly conditionalWrites: boolean
}

export interface PartReceipt {
  /** 1 to 10,000. */
  readonly partNumber: number
  readonly etag: string
  /** Bytes. */
  readonly size: number
  /** CRC-32 of the part; where `listParts` cannot tell it, undefined. */
  readonly crc32: Crc32 | undefined
}

export interface WriteOptions {
  readonly precondition: Precondition
  readonly signal: AbortSignal
}

export interface ByteRange {
  /** First byte, from 0. */
  readonly start: number
  /** Last byte, inclusive (as in RFC 9110, 14.1.2). */
  readonly end: number
}

export interface OpenObject {
  /** The bytes asked for. Destroying it closes the connection. Errors with a `LadingError`. */
  readonly body: Readable
  /** Bytes in `body`. */
  readonly length: number
  readonly etag: string
}

export interface ListedObject {
  readonly key: string
  /** Bytes. */
  readonly size: number
  readonly modifiedAt: Date
}

export interface ListedUpload {
  readonly key: string
  readonly uploadId: string
  readonly startedAt: Date
}

/**
 * Where artifacts end up. Every method fails with a `LadingError`: `store_unavailable` for what may pass (5xx,
 * throttling, resets, time-outs), `store_access_denied`, `store_bucket_missing` and `store_rejected` for what will
 * not. On abort a method rejects with the signal's reason, closes its connection, and may or may not have had its
 * effect. An adapter does not retry more than a request's own few quick tries: backoff and dead letters live in the
 * catalog.
 */
export interface ObjectStore {
  /** The scheme of its URIs. */
  readonly scheme: 's3' | 'file'
  /** Size of all parts but the last must be at least this (bytes). */
  readonly minPartSize: number
  readonly maxParts: number
  /** The largest body that `put` takes (bytes). */
  readonly maxPutSize: number
  /** A smaller object is copied sooner by reading and writing it than by `copy` (bytes). */
  readonly minCopySize: number

  /** The URI under which users know the object. */
  uri(ref: ObjectRef): string

  /** Asks the store, by writing below `prefix` of `bucket` and clearing up again, what it verifies. Safe to repeat. */
  probe(bucket: string, prefix: string, signal: AbortSignal): Promise<StoreCapabilities>

  /** Fails as the other methods do when the bucket cannot be reached. */
  check(bucket: string, signal: AbortSignal): Promise<void>

  /**
   * Writes a small object in one request and proves it. Safe to repeat. Fails with `store_precondition_failed`,
   * `store_checksum_mismatch` (refused on the way) or `store_object_mismatch` (the proof failed).
   * `body` may be reused as soon as the promise settles.
   */
  put(ref: ObjectRef, body: Buffer, facts: ObjectFacts, options: WriteOptions): Promise<StoredObject>

  /**
   * As `put`, for one of many small objects: what the answer to the write does not prove is left to `proveWritten`, which
   * asks for many at once.
   */
  write(ref: ObjectRef, body: Buffer, facts: ObjectFacts, options: WriteOptions): Promise<WrittenObject>

  /**
   * Proves what `write` has left unproven. Each object has its answer, in the order asked: the error of one
   * (`store_object_mismatch`, or why it could not be asked for) is none of the others'. Rejects on abort alone.
   */
  proveWritten(
    written: readonly WrittenObject[],
    signal: AbortSignal,
  ): Promise<readonly (StoredObject | LadingError)[]>

  /**
   * Makes a file of this machine the object, by a second name and without copying its bytes, and proves it. Nobody may
   * change the file afterwards; its first name may go. Safe to repeat. `undefined` where this cannot be done (another
   * file system, say), or the file does not have these facts: then it is to be sent. Only stores of this machine have it.
   */
  adopt?(
    ref: ObjectRef,
    path: string,
    facts: ObjectFacts,
    options: WriteOptions,
  ): Promise<StoredObject | undefined>

  /** Begins a multipart upload. Not safe to repeat blindly: each call begins another. */
  createUpload(ref: ObjectRef, facts: ObjectFacts, signal: AbortSignal): Promise<string>

  /** Sends one part; the same part again replaces it. Fails with `store_upload_gone`, `store_checksum_mismatch`. */
  uploadPart(
    ref: ObjectRef,
    uploadId: string,
    part: { partNumber: number; body: Buffer; crc32: Crc32 },
    signal: AbortSignal,
  ): Promise<PartReceipt>

  /** The parts the store holds, by number. Fails with `store_upload_gone`. */
  listParts(ref: ObjectRef, uploadId: string, signal: AbortSignal): Promise<PartReceipt[]>

  /**
   * Ends the upload and proves the object. If an earlier call had taken effect and its answer was lost (the upload is
   * gone, the object is there and proves to be this one), it succeeds.
   */
  completeUpload(
    ref: ObjectRef,
    uploadId: string,
    parts: readonly PartReceipt[],
    facts: ObjectFacts,
    options: WriteOptions,
  ): Promise<StoredObject>

  /** Drops the upload and its parts. An upload that is gone is success. */
  abortUpload(ref: ObjectRef, uploadId: string, signal: AbortSignal): Promise<void>

  head(ref: ObjectRef, signal: AbortSignal): Promise<ObjectHead | undefined>

  /**
   * Proves that the object at `ref` has these facts, by checksum, ETag or reading it back; `undefined` when it is
   * absent or another.
   */
  prove(ref: ObjectRef, facts: ObjectFacts, signal: AbortSignal): Promise<StoredObject | undefined>

  /**
   * Copies an object inside the store, and proves the copy; no bytes pass through this process, unless only reading the
   * copy back can prove it. `facts` are those of the source. Safe to repeat: where `to` already proves to be this
   * object, it succeeds, also when `from` has gone since. Fails with `store_object_missing` (nothing at `from`),
   * `store_precondition_failed` (the ETag at `from` is not `ifMatch`, or `precondition` does not hold at `to`),
   * `store_checksum_mismatch` or `store_object_mismatch` (what lies at `from` does not have these facts).
   */
  copy(
    from: ObjectRef,
    to: ObjectRef,
    facts: ObjectFacts,
    options: WriteOptions & { readonly ifMatch?: string },
  ): Promise<StoredObject>

  /**
   * Opens the object or a range of it, only while its ETag is `ifMatch`. Fails with `store_object_missing`, or
   * `store_precondition_failed` when it has another ETag.
   */
  get(
    ref: ObjectRef,
    options: { range?: ByteRange; ifMatch?: string; signal: AbortSignal },
  ): Promise<OpenObject>

  /** An object that is gone is success. With `ifMatch`, one with another ETag is left alone, and that is success. */
  delete(ref: ObjectRef, options: { ifMatch?: string; signal: AbortSignal }): Promise<void>

  list(bucket: string, prefix: string, signal: AbortSignal): AsyncIterable<ListedObject>
  listUploads(bucket: string, prefix: string, signal: AbortSignal): AsyncIterable<ListedUpload>

  /** Closes idle connections; running requests are the callers' to abort. */
  close(): Promise<void>
}
