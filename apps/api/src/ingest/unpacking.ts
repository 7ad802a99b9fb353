import { LadingError } from '@lading/protocol'
import { goneSignal } from '../exchange.ts'
import type { UploadCall } from './admission.ts'
import type { BodyGuard, GuardedBody } from './body-guard.ts'

/**
 * The time in which bytes that are there are unpacked, or read again, and the connection stands still. It ends when the
 * client goes away, to whom nothing was promised yet, and when the server stops.
 */
export class Unpacking implements GuardedBody, Disposable {
  readonly socket
  readonly received = 0
  /** No byte can come: the guard must not ask for any. */
  readonly held = true
  readonly #gone: AbortSignal
  readonly #guard: BodyGuard
  readonly #idleMs: number
  #failure: LadingError | undefined

  constructor(
    { request, response }: Pick<UploadCall, 'request' | 'response'>,
    guard: BodyGuard,
    idleMs: number,
  ) {
    this.socket = request.socket
    this.#gone = goneSignal(response)
    this.#guard = guard
    this.#idleMs = idleMs
    this.socket.setTimeout(0)
    guard.add(this)
  }

  fail(error: LadingError): void {
    this.#failure = error
  }

  /** Fails when there is no use in going on. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#gone.aborted) {
      throw new LadingError('client_aborted', 'the connection ended before the server had read what is there')
    }
  }

  [Symbol.dispose](): void {
    this.#guard.remove(this)
    this.socket.setTimeout(this.#idleMs)
  }
}
