import type { Gunzip, InflateRaw, ZstdDecompress } from 'node:zlib'
import { LadingError } from '@lading/protocol'
import type { BodySink } from './body-reader.ts'

/** Bytes that zlib gives at once: large enough that the way back from its thread is a small part of the cost. */
const INFLATED_CHUNK_BYTES = 128 * 1024

/** What a decompressor is made with. */
export const INFLATION_OPTIONS = { chunkSize: INFLATED_CHUNK_BYTES, highWaterMark: 2 * INFLATED_CHUNK_BYTES }

export interface InflationFaults {
  /** What is inflated, as the subject of a sentence. */
  readonly what: string
  /** What the end of the bytes before the end of the data is. */
  readonly cut: 'archive_incomplete' | 'archive_malformed'
}

/**
 * Compressed bytes go in, and inflated ones come out to the sink; whoever writes is held back by both. Fails with what
 * the sink throws, `archive_malformed`, `archive_incomplete`, and `archive_too_large` where a window of zstd is.
 */
export class Inflation implements AsyncDisposable {
  readonly #stream: Gunzip | InflateRaw | ZstdDecompress
  readonly #faults: InflationFaults
  readonly #output: Promise<void>
  #given = 0
  #done = false
  #held: PromiseWithResolvers<void> | undefined

  constructor(stream: Gunzip | InflateRaw | ZstdDecompress, faults: InflationFaults, sink: BodySink) {
    this.#stream = stream.on('drain', () => this.#held?.resolve())
    this.#faults = faults
    this.#output = this.#pump(sink)
    this.#output.then(
      () => this.#held?.resolve(),
      (error: unknown) => this.#held?.reject(error),
    )
  }

  /** Compressed bytes so far. */
  get given(): number {
    return this.#given
  }

  /** `undefined` means go on at once. */
  write(chunk: Buffer): Promise<void> | undefined {
    this.#given += chunk.length
    if (this.#done) return this.#output.then(() => this.#checkAllUsed())
    if (this.#stream.write(chunk)) return undefined
    this.#held = Promise.withResolvers()
    return this.#held.promise
  }

  /** Says that all bytes were written; waits until all are inflated and taken. */
  async end(): Promise<void> {
    this.#stream.end()
    await this.#output
    this.#checkAllUsed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy()
    await Promise.allSettled([this.#output])
  }

  async #pump(sink: BodySink): Promise<void> {
    try {
      for await (const chunk of this.#stream) {
        const wait = sink(chunk as Buffer)
        if (wait !== undefined) await wait
      }
    } catch (error) {
      throw this.#faultOf(error as NodeJS.ErrnoException)
    } finally {
      this.#done = true
    }
  }

  /** zlib stops at the end of its data and says nothing of bytes that follow. */
  #checkAllUsed(): void {
    if (this.#stream.bytesWritten === this.#given) return
    throw new LadingError(
      'archive_malformed',
      `${this.#faults.what} ends before its bytes do; nothing may follow it`,
    )
  }

  #faultOf(error: NodeJS.ErrnoException): unknown {
    const { what, cut } = this.#faults
    const say = (code: LadingError['code'], fault: string) =>
      new LadingError(code, `${what} ${fault}`, { cause: error })
    switch (error.code) {
      case 'Z_BUF_ERROR':
        return say(cut, 'ends before its data does')
      case 'ZSTD_error_frameParameter_windowTooLarge':
        return say(
          'archive_too_large',
          'needs a window of more than 8 MiB; compress it without --long or --ultra',
        )
      default:
        return /^Z(STD)?_/.test(error.code ?? '')
          ? say('archive_malformed', `is damaged: ${error.message}`)
          : error
    }
  }
}
