import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { getCACertificates } from 'node:tls'
import type { S3Options } from './options.ts'

export interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  /** Closes the connections that carry no request, and each of the others as its request ends. */
  closeIdle(): void
}

/**
 * Connections that are kept and reused. The time-out of connecting is the agent's, not the SDK's: the SDK's clock also
 * runs while a request waits for one of `maxSockets`, and ends at the TCP handshake, before TLS.
 */
export function openAgents(options: S3Options): Agents {
  const pool = { keepAlive: true, maxSockets: options.maxSockets }
  const http = new TimedHttpAgent(pool, options.connectTimeoutMs)
  const https = new TimedHttpsAgent({ ...pool, ...trust(options.caFile) }, options.connectTimeoutMs)
  return {
    http,
    https,
    closeIdle() {
      closeIdle(http)
      closeIdle(https)
    },
  }
}

class TimedHttpAgent extends HttpAgent {
  readonly #timeoutMs: number

  constructor(options: ConstructorParameters<typeof HttpAgent>[0], timeoutMs: number) {
    super(options)
    this.#timeoutMs = timeoutMs
  }

  override createConnection(...args: Parameters<HttpAgent['createConnection']>): Duplex | null | undefined {
    return limited(super.createConnection(...args), 'connect', this.#timeoutMs)
  }
}

class TimedHttpsAgent extends HttpsAgent {
  readonly #timeoutMs: number

  constructor(options: ConstructorParameters<typeof HttpsAgent>[0], timeoutMs: number) {
    super(options)
    this.#timeoutMs = timeoutMs
  }

  override createConnection(...args: Parameters<HttpsAgent['createConnection']>): Duplex | null | undefined {
    return limited(super.createConnection(...args), 'secureConnect', this.#timeoutMs)
  }
}

function limited(
  socket: Duplex | null | undefined,
  ready: string,
  timeoutMs: number,
): Duplex | null | undefined {
  const timer = setTimeout(() => {
    socket?.destroy(Object.assign(new Error(`no connection within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }))
  }, timeoutMs)
  socket?.once(ready, () => clearTimeout(timer))
  socket?.once('close', () => clearTimeout(timer))
  return socket
}

function trust(caFile: string | undefined): { ca?: string[] } {
  return caFile === undefined ? {} : { ca: [...getCACertificates('default'), readFileSync(caFile, 'utf8')] }
}

/** `agent.destroy()` would cut the connections in use as well. */
function closeIdle(agent: HttpAgent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}
