import type { Socket } from 'node:net'
import { LadingError } from '@lading/protocol'

export interface BodyRate {
  readonly bodyBytesPerSecond: number
  readonly bodyRateWindowMs: number
}

/** A body that is being read. */
export interface GuardedBody {
  readonly socket: Socket
  /** Bytes read so far. */
  received: number
  /** Whether this server itself holds the body back. */
  held: boolean
  /** Ends the reading with that error. */
  fail(error: LadingError): void
}

interface Window {
  startedAt: number
  receivedBefore: number
}

const TICK_MS = 1000

/** Watches all bodies that are being read: for their minimum rate, for broken framing, and for the end of the server. */
export class BodyGuard {
  readonly #rate: BodyRate
  readonly #bodies = new Map<GuardedBody, Window>()
  readonly #bySocket = new WeakMap<Socket, GuardedBody>()
  readonly #broken = new WeakMap<Socket, LadingError>()
  #timer: NodeJS.Timeout | undefined

  constructor(rate: BodyRate) {
    this.#rate = rate
  }

  get size(): number {
    return this.#bodies.size
  }

  add(body: GuardedBody): void {
    this.#bodies.set(body, { startedAt: performance.now(), receivedBefore: 0 })
    this.#bySocket.set(body.socket, body)
    const broken = this.#broken.get(body.socket)
    if (broken !== undefined) body.fail(broken)
    this.#timer ??= setInterval(() => this.#tick(), Math.min(TICK_MS, this.#rate.bodyRateWindowMs)).unref()
  }

  remove(body: GuardedBody): void {
    this.#bodies.delete(body)
    if (this.#bySocket.get(body.socket) === body) this.#bySocket.delete(body.socket)
    if (this.#bodies.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Ends the body that is being read from the socket, or will be: its framing is broken. */
  breakOff(socket: Socket, error: LadingError): void {
    this.#broken.set(socket, error)
    this.#bySocket.get(socket)?.fail(error)
  }

  /** Ends the body that is being read from the socket, if there is one; the connection stays sound. */
  interrupt(socket: Socket, error: LadingError): void {
    this.#bySocket.get(socket)?.fail(error)
  }

  failAll(error: LadingError): void {
    for (const body of [...this.#bodies.keys()]) body.fail(error)
  }

  #tick(): void {
    const now = performance.now()
    const { bodyBytesPerSecond, bodyRateWindowMs } = this.#rate
    const least = (bodyBytesPerSecond * bodyRateWindowMs) / 1000
    for (const [body, window] of [...this.#bodies]) {
      const slow = body.received - window.receivedBefore < least
      if (!body.held && now - window.startedAt < bodyRateWindowMs) continue
      if (!body.held && slow) body.fail(tooSlow(bodyBytesPerSecond, bodyRateWindowMs))
      window.startedAt = now
      window.receivedBefore = body.received
    }
  }
}

function tooSlow(rate: number, windowMs: number): LadingError {
  return new LadingError(
    'request_timeout',
    `the body brought less than ${rate} bytes a second over ${windowMs / 1000} seconds; send it again, faster`,
  )
}
