import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { newId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { rawAnswer } from './broken-framing.ts'
import type { ApiContext } from './context.ts'

/** Milliseconds that a client which is turned away gets to read why. */
const LAST_WORDS_MS = 1000

/**
 * Keeps each address to its share of the connections, so that one client which opens them and sends nothing leaves room
 * for others. One too many is answered with 429 before a request is read, and closed.
 */
export class Connections {
  readonly #most: number
  readonly #byAddress = new Map<string, number>()
  readonly #turnedAway = new WeakSet<Socket>()

  constructor(server: Server, { config, meters, log }: Pick<ApiContext, 'config' | 'meters' | 'log'>) {
    this.#most = config.limits.connectionsOfAddress
    server.on('connection', (socket) => {
      if (this.#count(socket)) return
      const error = tooMany(this.#most)
      this.#turnedAway.add(socket)
      meters.refused.inc({ code: error.code })
      const requestId = newId()
      log.info({ req_id: requestId, code: error.code, address: socket.remoteAddress }, 'connection')
      socket.setTimeout(LAST_WORDS_MS, () => socket.destroy())
      socket.end(rawAnswer(error, requestId))
    })
  }

  /** Whether what comes on the connection has had its answer. */
  isTurnedAway(socket: Socket): boolean {
    return this.#turnedAway.has(socket)
  }

  /** False: it is one too many. */
  #count(socket: Socket): boolean {
    const address = socket.remoteAddress ?? ''
    const open = this.#byAddress.get(address) ?? 0
    if (open >= this.#most) return false
    this.#byAddress.set(address, open + 1)
    socket.once('close', () => this.#closed(address))
    return true
  }

  #closed(address: string): void {
    const left = (this.#byAddress.get(address) ?? 1) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
  }
}

function tooMany(most: number): LadingError {
  return new LadingError(
    'too_many_connections',
    `this address has ${most} connections open, which is the limit; close some, or use them again`,
    { retryAfter: 1 },
  )
}
