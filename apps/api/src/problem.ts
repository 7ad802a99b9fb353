import type { ServerResponse } from 'node:http'
import { LadingError, PROBLEM_MEDIA_TYPE, type Problem, problemOf } from '@lading/protocol'
import type { ErrorRequestHandler, Request, Response } from 'express'
import type { ApiContext } from './context.ts'
import { endAfterDraining, mustClose } from './drain.ts'
import { exchangeOf } from './exchange.ts'
import { pathOf } from './request-target.ts'

/** Seconds after which to try again, where the error does not say: 503 and 507 always name some (RFC 9110, 10.2.3). */
const RETRY_AFTER: Readonly<Record<number, number>> = { 503: 2, 507: 10 }

/** Members of a problem beyond those of every problem. */
export type ProblemMembers = Pick<Problem, 'job_id' | 'status_url' | 'checks'>

/** The one place that answers errors: RFC 9457, from the table of errors. What is not in the table is `internal`. */
export function problemHandler(
  context: Pick<ApiContext, 'log' | 'meters' | 'config' | 'stopping'>,
): ErrorRequestHandler {
  return (raised: unknown, request, response, _next) => {
    const error = response.closed ? goneOr(raised) : ladingErrorOf(raised)
    const exchange = exchangeOf(response)
    exchange.code = error.code
    context.meters.refused.inc({ code: error.code })
    if (error.status >= 500) {
      context.log.error({ err: raised, req_id: exchange.requestId }, error.detail)
    }
    if (response.headersSent || response.destroyed) response.destroy()
    else sendProblem(context, request, response, error)
  }
}

export function sendProblem(
  context: Pick<ApiContext, 'config' | 'stopping'>,
  request: Request,
  response: Response,
  error: LadingError,
  members: ProblemMembers = {},
): void {
  const exchange = exchangeOf(response)
  const problem: Problem = {
    ...problemOf(error.code, error.detail),
    instance: pathOf(request.originalUrl),
    request_id: exchange.requestId,
    ...(error.quota === undefined ? {} : { quota: { ...error.quota } }),
    ...members,
  }
  const body = Buffer.from(JSON.stringify(problem))
  const { limits } = context.config
  const slow = error.code === 'request_timeout'
  const closing =
    slow ||
    context.stopping.signal.aborted ||
    mustClose(request, exchange.continued, exchange.bytesReceived, limits)
  if (closing) response.setHeader('connection', 'close')
  writeProblemHead(response, error, body.length)
  if (request.method !== 'HEAD') response.write(body)
  if (slow) response.end()
  else endAfterDraining(request, response, limits)
}

function writeProblemHead(response: ServerResponse, error: LadingError, length: number): void {
  const retryAfter = error.retryAfter ?? RETRY_AFTER[error.status]
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter)
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value)
  response.setHeader('cache-control', 'no-store')
  response.writeHead(error.status, { 'content-type': PROBLEM_MEDIA_TYPE, 'content-length': length })
}

/** What fails after the client has gone fails for that reason, unless it says another. */
function goneOr(raised: unknown): LadingError {
  if (raised instanceof LadingError) return raised
  return new LadingError('client_aborted', 'the connection ended before the answer did', { cause: raised })
}

function ladingErrorOf(raised: unknown): LadingError {
  if (raised instanceof LadingError) return raised
  // What failed, rather than what failed while it was cleared up.
  if (raised instanceof SuppressedError) return ladingErrorOf(raised.suppressed)
  // Express's router could not decode a parameter of the path.
  if (raised instanceof URIError) {
    return new LadingError(
      'path_invalid',
      'path: holds a malformed percent escape, or one that is not UTF-8',
      {
        cause: raised,
      },
    )
  }
  return new LadingError('internal', 'The server failed; its log has the cause under the request id', {
    cause: raised,
  })
}
