import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorCode } from '@lading/protocol'

/** What is known of a request and its answer while they last; the line in the log says it in the end. */
export interface Exchange {
  readonly requestId: string
  readonly startedAt: number
  /** Whether the client may send its body: it did not ask with `Expect: 100-continue`, or was told to go on. */
  continued: boolean
  /** Bytes of the body that were read. */
  bytesReceived: number
  route: string | undefined
  tenant: string | undefined
  /** What was shown, of a key its id. */
  caller: string | undefined
  runId: string | undefined
  jobId: string | undefined
  code: ErrorCode | undefined
}

const exchanges = new WeakMap<ServerResponse, Exchange>()
const latest = new WeakMap<Socket, ServerResponse>()

export function beginExchange(response: ServerResponse, requestId: string, continued: boolean): Exchange {
  const exchange: Exchange = {
    requestId,
    startedAt: performance.now(),
    continued,
    bytesReceived: 0,
    route: undefined,
    tenant: undefined,
    caller: undefined,
    runId: undefined,
    jobId: undefined,
    code: undefined,
  }
  exchanges.set(response, exchange)
  if (response.socket !== null) latest.set(response.socket, response)
  return exchange
}

/** The answer that the connection still owes, if any. */
export function answerDueOn(socket: Socket): ServerResponse | undefined {
  const response = latest.get(socket)
  return response === undefined || response.writableEnded ? undefined : response
}

export function exchangeOf(response: ServerResponse): Exchange {
  const exchange = exchanges.get(response)
  if (exchange === undefined) throw new Error('the request did not pass the middleware that begins exchanges')
  return exchange
}

/** Fires when the client has gone before its answer was whole. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (response.closed) controller.abort()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort()
  })
  return controller.signal
}
