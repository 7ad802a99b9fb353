import { type FileHandle, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ByteRange, ObjectRef, OpenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified, classify, isAbsent } from './errors.ts'
import { openObject } from './objects.ts'
import { etagOf } from './versions.ts'

export interface GetOptions {
  readonly range?: ByteRange
  readonly ifMatch?: string
  readonly signal: AbortSignal
}

/** What is open stays whole: a newer object replaces the name, not the file. */
export async function get(store: DirectoryContext, ref: ObjectRef, options: GetOptions): Promise<OpenObject> {
  options.signal.throwIfAborted()
  const path = store.layout.object(ref)
  const name = `${ref.bucket}/${ref.key}`
  const file = await classified(`Reading ${name}`, () => openObject(path))
  if (file === undefined) throw await absent(store, ref)
  try {
    const stats = await file.stat({ bigint: true })
    const etag = etagOf(stats)
    if (options.ifMatch !== undefined && options.ifMatch !== etag) throw replaced(name, options.ifMatch, etag)
    const { start, length } = extent(name, Number(stats.size), options.range)
    return { body: new FileBody(file, name, start, length, options.signal), length, etag }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** A bucket that is not there is a disk that is not mounted, as often as not: nothing is known of its objects then. */
async function absent(store: DirectoryContext, { bucket, key }: ObjectRef): Promise<LadingError> {
  const directory = store.layout.bucket(bucket)
  const isThere = await classified(`Looking for the bucket ${bucket}`, () => isDirectory(directory))
  return isThere
    ? new LadingError('store_object_missing', `There is no object at ${bucket}/${key}.`)
    : new LadingError('store_bucket_missing', `The store has no directory ${bucket}; mount or restore it.`)
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

/** A range may end after the object does (RFC 9110, 14.1.2). */
function extent(name: string, size: number, range: ByteRange | undefined): { start: number; length: number } {
  if (range === undefined) return { start: 0, length: size }
  if (range.start >= size || range.end < range.start)
    throw new LadingError(
      'range_not_satisfiable',
      `${name} has ${size} bytes; the range ${range.start}-${range.end} lies outside.`,
    )
  return { start: range.start, length: Math.min(range.end + 1, size) - range.start }
}

function replaced(name: string, wanted: string, found: string): LadingError {
  return new LadingError(
    'store_precondition_failed',
    `${name} has the ETag ${found}, not ${wanted}: it was replaced.`,
  )
}

const CHUNK = 256 * 1024

class FileBody extends Readable {
  readonly #file: FileHandle
  readonly #name: string
  readonly #signal: AbortSignal
  readonly #onAbort = () => this.destroy(this.#signal.reason)
  #at: number
  #left: number
  #reading: Promise<void> = Promise.resolve()

  constructor(file: FileHandle, name: string, start: number, length: number, signal: AbortSignal) {
    super({ highWaterMark: CHUNK })
    this.#file = file
    this.#name = name
    this.#signal = signal
    this.#at = start
    this.#left = length
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  override _read(): void {
    this.#reading = this.#readChunk().catch((error) => {
      this.destroy(classify(error, `Reading ${this.#name}`) as Error)
    })
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    // The file must not be closed, and its number given to another, below a read that is under way.
    this.#reading
      .then(() => this.#file.close())
      .then(
        () => done(error),
        (closing) => done(error ?? closing),
      )
  }

  async #readChunk(): Promise<void> {
    if (this.#left === 0) {
      this.push(null)
      return
    }
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, this.#left))
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#at)
    if (bytesRead === 0)
      throw new LadingError(
        'store_object_mismatch',
        `${this.#name} was cut while it was read: write it again.`,
      )
    this.#at += bytesRead
    this.#left -= bytesRead
    if (!this.destroyed) this.push(buffer.subarray(0, bytesRead))
  }
}
