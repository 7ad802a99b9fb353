import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { LadingError } from '@lading/protocol'
import type { Express } from 'express'
import { answerBrokenFraming } from './broken-framing.ts'
import { Connections } from './connections.ts'
import type { ApiContext } from './context.ts'

export interface HttpService {
  /** Begins to listen. Fails with the system's error when the port cannot be had. */
  listen(): Promise<{ url: string; port: number }>

  /**
   * Takes no new connection and refuses new requests with 503; ends waits and streams of events. Uploads under way get
   * `graceMs` milliseconds to finish, and are then refused with 503 and discarded. Resolves when every connection is
   * closed, at most a second after the grace. Safe to call again.
   */
  stop(graceMs: number): Promise<void>
}

/** Milliseconds. */
const HEADERS_CHECK_MS = 5000

/** Milliseconds that refusals at the end of the grace get to reach their clients. */
const LAST_WORDS_MS = 1000

export function createHttpServer(app: Express, context: ApiContext): HttpService {
  const { limits, host, port } = context.config
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    // How late that is noticed; also, of half a header that stands still.
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, HEADERS_CHECK_MS),
    // Bodies may take as long as they keep to their minimum rate; `BodyGuard` sees to that.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    insecureHTTPParser: false,
    // Answered as a problem instead, by `checkHead`.
    requireHostHeader: false,
    noDelay: true,
  })
  server.timeout = limits.idleMs
  const answers = new Answers(app, server, new Connections(server, context))
  server.on('request', answers.begin)
  // Without this listener Node would tell every client to go on; `readBody` does when the request was admitted.
  server.on('checkContinue', answers.begin)
  server.on('checkExpectation', answers.begin)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    answerBrokenFraming(error, socket, context)
  })
  let stopped: Promise<void> | undefined
  return {
    listen: () => listen(server, host, port),
    stop: (graceMs) => {
      stopped ??= stop(server, answers, context, graceMs)
      return stopped
    },
  }
}

/** Answers under way, so that when the server stops each closes its connection instead of keeping it for another. */
class Answers {
  readonly #app: Express
  readonly #server: Server
  readonly #connections: Connections
  readonly #open = new Set<ServerResponse>()
  #stopping = false

  constructor(app: Express, server: Server, connections: Connections) {
    this.#connections = connections
    this.#app = app
    this.#server = server
  }

  readonly begin = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.#connections.isTurnedAway(request.socket)) return
    this.#open.add(response)
    response.once('close', () => {
      this.#open.delete(response)
      // What had its head sent before the stop (a stream of events) promised to keep the connection.
      if (this.#stopping) setImmediate(() => this.#server.closeIdleConnections())
    })
    this.#app(request, response)
  }

  closeAfterEach(): void {
    this.#stopping = true
    for (const response of this.#open) {
      if (!response.headersSent) response.setHeader('connection', 'close')
    }
  }
}

async function listen(server: Server, host: string, port: number): Promise<{ url: string; port: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port, backlog: 1024 }, resolve)
  await promise
  server.off('error', reject)
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { url: `http://${name}:${address.port}`, port: address.port }
}

async function stop(server: Server, answers: Answers, context: ApiContext, graceMs: number): Promise<void> {
  answers.closeAfterEach()
  context.stopping.abort()
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  if (!server.listening) resolve()
  else server.close(() => resolve())
  server.closeIdleConnections()
  const grace = setTimeout(() => {
    const detail = 'the server stopped before the body was whole; send it again'
    context.bodies.failAll(new LadingError('shutting_down', detail, { retryAfter: 1 }))
  }, graceMs)
  const end = setTimeout(() => server.closeAllConnections(), graceMs + LAST_WORDS_MS)
  await closed
  clearTimeout(grace)
  clearTimeout(end)
  context.jobWatch.close()
}
