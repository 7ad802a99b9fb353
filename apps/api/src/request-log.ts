import type { RequestHandler } from 'express'
import type { ApiContext } from './context.ts'
import { type Exchange, exchangeOf } from './exchange.ts'
import { pathOf } from './request-target.ts'

/** Addresses that machines ask for all day, and what browsers ask before they ask. */
const QUIET = new Set(['/healthz', '/readyz', '/metrics', 'preflight'])

/** One line for each request, when its answer has ended or its client has gone; and its count. */
export function requestLog(context: Pick<ApiContext, 'log' | 'meters'>): RequestHandler {
  return (request, response, next) => {
    const exchange = exchangeOf(response)
    response.once('close', () => {
      const route = exchange.route ?? 'unmatched'
      const whole = response.writableFinished
      // 499, as nginx has it: the client went before there was an answer.
      const status = whole || response.headersSent ? response.statusCode : 499
      context.meters.requests.inc({ method: request.method, route, status })
      const line = {
        ...factsOf(exchange),
        method: request.method,
        route,
        path: pathOf(request.originalUrl),
        status,
      }
      const level = QUIET.has(route) ? 'debug' : 'info'
      context.log[level]({ ...line, whole }, 'request')
    })
    next()
  }
}

function factsOf(exchange: Exchange) {
  return {
    req_id: exchange.requestId,
    ms: Math.round((performance.now() - exchange.startedAt) * 10) / 10,
    bytes_in: exchange.bytesReceived,
    tenant: exchange.tenant,
    caller: exchange.caller,
    run_id: exchange.runId,
    job_id: exchange.jobId,
    code: exchange.code,
  }
}
