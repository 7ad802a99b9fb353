import { LadingError } from '@lading/protocol'
import type { Request, Response } from 'express'
import { exchangeOf } from '../exchange.ts'
import { hasContent } from '../request-head.ts'
import type { BodyGuard, GuardedBody } from './body-guard.ts'

/** Takes a chunk at once; a promise holds the body back until it settles, and ends it if it rejects. */
export type BodySink = (chunk: Buffer) => Promise<unknown> | undefined

/**
 * Reads the body of a request to its end, chunk by chunk, without a stream between: the socket is paused while the
 * sink holds back. Sends `100 Continue` to a client that waits for it, so call it when the request was admitted.
 * Fails with what the sink throws, `request_too_large` beyond `limit` bytes, `client_aborted` when the connection ends,
 * and whatever the guard ends it with; the rest of the body is then unread.
 */
export async function readBody(
  request: Request,
  response: Response,
  guard: BodyGuard,
  limit: number,
  sink: BodySink,
): Promise<void> {
  const exchange = exchangeOf(response)
  if (!hasContent(request)) return
  if (!exchange.continued) {
    response.writeContinue()
    exchange.continued = true
  }
  const reading = new Reading(request, limit, sink)
  guard.add(reading)
  try {
    await reading.whole
  } finally {
    guard.remove(reading)
    exchange.bytesReceived = reading.received
  }
}

class Reading implements GuardedBody {
  readonly whole: Promise<void>
  readonly socket
  received = 0
  held = false
  readonly #request: Request
  readonly #limit: number
  readonly #sink: BodySink
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  #settled = false
  #ended = false

  constructor(request: Request, limit: number, sink: BodySink) {
    this.#request = request
    this.socket = request.socket
    this.#limit = limit
    this.#sink = sink
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.whole = promise
    this.#resolve = resolve
    this.#reject = reject
    if (request.destroyed && !request.readableEnded) this.#gone()
    request.on('data', this.#data).on('end', this.#end).on('error', this.#gone).on('close', this.#gone)
  }

  fail(error: unknown): void {
    this.#settle(() => this.#reject(error))
  }

  readonly #data = (chunk: Buffer): void => {
    this.received += chunk.length
    if (this.received > this.#limit) {
      this.fail(
        new LadingError('request_too_large', `the body is longer than the limit of ${this.#limit} bytes`),
      )
      return
    }
    try {
      const wait = this.#sink(chunk)
      if (wait !== undefined) this.#hold(wait)
    } catch (error) {
      this.fail(error)
    }
  }

  #hold(wait: Promise<unknown>): void {
    this.held = true
    this.#request.pause()
    wait.then(this.#release, (error: unknown) => this.fail(error))
  }

  readonly #release = (): void => {
    this.held = false
    if (this.#settled) return
    if (this.#ended) this.#end()
    else this.#request.resume()
  }

  readonly #end = (): void => {
    this.#ended = true
    if (!this.held) this.#settle(() => this.#resolve())
  }

  readonly #gone = (cause?: unknown): void => {
    if (this.#ended) return
    this.fail(new LadingError('client_aborted', 'the connection ended before the body did', { cause }))
  }

  #settle(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    const request = this.#request.off('data', this.#data).off('end', this.#end).off('close', this.#gone)
    // A reset after this is the next reader's business; without a listener it would end the process.
    request.pause()
    settle()
  }
}
