import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { newId } from '@lading/core'
import { ERRORS, type ErrorCode, LadingError, PROBLEM_MEDIA_TYPE, problemOf } from '@lading/protocol'
import type { ApiContext } from './context.ts'
import { markUnreadable } from './drain.ts'
import { answerDueOn } from './exchange.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/**
 * Answers what Node's parser refuses (RFC 9112: Content-Length with Transfer-Encoding, bad chunks, headers too large).
 * Within a body, the request that is being read ends with the error and answers itself; before one, there is no
 * request to answer, and the bytes are written to the socket as they are.
 */
export function answerBrokenFraming(
  error: NodeJS.ErrnoException,
  socket: Socket,
  context: Pick<ApiContext, 'bodies' | 'meters' | 'log'>,
): void {
  const problem = problemOfParser(error)
  const due = answerDueOn(socket)
  if (due !== undefined) {
    markUnreadable(due.req)
    due.once('close', () => socket.destroySoon())
    context.bodies.breakOff(socket, problem)
    return
  }
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  context.meters.refused.inc({ code: problem.code })
  const requestId = newId()
  context.log.info(
    { req_id: requestId, code: problem.code, status: problem.status, cause: error.code },
    'request',
  )
  socket.end(rawAnswer(problem, requestId))
}

function problemOfParser(error: NodeJS.ErrnoException): LadingError {
  const say = (code: ErrorCode, detail: string) => new LadingError(code, detail, { cause: error })
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return say('headers_too_large', 'the header of the request is larger than the limit')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return say('request_timeout', 'the header of the request did not arrive in time')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return say('bad_request', 'the extensions of a chunk are larger than the limit')
    case 'ECONNRESET':
    case 'HPE_INVALID_EOF_STATE':
      return say('client_aborted', 'the connection ended before the request did')
    default:
      return say('bad_request', `the request is not valid HTTP/1.1: ${reasonOf(error)}`)
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const reason = (error as { reason?: unknown }).reason
  return typeof reason === 'string' ? reason : (error.code ?? 'it cannot be parsed')
}

/** The whole answer, for a socket that has no response to write it. */
export function rawAnswer(error: LadingError, requestId: string): string {
  const body = JSON.stringify({ ...problemOf(error.code, error.detail), instance: '', request_id: requestId })
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ERRORS[error.code].title}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    ...(error.retryAfter === undefined ? [] : [`retry-after: ${error.retryAfter}`]),
    ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
