import { Readable } from 'node:stream'
import type { ObjectRef } from '@lading/core'
import { classify } from './errors.ts'

export interface DownloadBodyOptions {
  readonly ref: ObjectRef
  /** Bytes that the store announced. */
  readonly length: number
  /** Ends the body when a reader waits for this long without a byte (milliseconds). A reader may pause for ever. */
  readonly stallMs: number
  readonly signal: AbortSignal
}

/**
 * The body of a download: errors are `LadingError`s, a short body is an error, an abort destroys it with the signal's
 * reason, and destroying it closes the connection.
 */
export class DownloadBody extends Readable {
  readonly #source: Readable
  readonly #options: DownloadBodyOptions
  readonly #onAbort: () => void
  #received = 0
  #ended = false
  #stall: NodeJS.Timeout | undefined

  constructor(source: Readable, options: DownloadBodyOptions) {
    super({ highWaterMark: 256 * 1024 })
    this.#source = source
    this.#options = options
    this.#onAbort = () => this.destroy(options.signal.reason)
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    source.pause()
    source.on('data', (chunk: Buffer) => this.#receive(chunk))
    source.once('end', () => this.#end())
    source.once('error', (error) => this.#fail(error))
    source.once('close', () => this.#fail(new Error('the connection closed before the body ended')))
    source.pause()
    if (options.signal.aborted) this.#onAbort()
  }

  override _read(): void {
    this.#stall ??= setTimeout(() => this.#fail(new Stalled(this.#options.stallMs)), this.#options.stallMs)
    this.#source.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#rest()
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#source.destroy()
    done(error)
  }

  #receive(chunk: Buffer): void {
    this.#rest()
    this.#received += chunk.length
    if (!this.push(chunk)) this.#source.pause()
  }

  #end(): void {
    const { length } = this.#options
    if (this.#received === length) {
      this.#rest()
      this.#ended = true
      this.push(null)
    } else {
      this.#fail(new Error(`the body ended after ${this.#received} of ${length} bytes`))
    }
  }

  #fail(cause: Error): void {
    if (this.destroyed || this.#ended) return
    this.destroy(classify(cause, { operation: 'GetObject', ...this.#options.ref }))
  }

  #rest(): void {
    clearTimeout(this.#stall)
    this.#stall = undefined
  }
}

class Stalled extends Error {
  override readonly name = 'TimeoutError'

  constructor(ms: number) {
    super(`no byte arrived within ${ms} ms`)
  }
}
