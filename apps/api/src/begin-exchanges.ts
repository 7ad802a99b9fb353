import { LadingError } from '@lading/protocol'
import type { RequestHandler } from 'express'
import type { ApiContext } from './context.ts'
import { beginExchange } from './exchange.ts'
import { checkHead, requestIdOf } from './request-head.ts'
import { originForm } from './request-target.ts'

/** Gives the request its id, and the record that the log and the answer are made from. */
export const beginExchanges: RequestHandler = (request, response, next) => {
  const requestId = requestIdOf(request)
  const waits = request.headers.expect?.toLowerCase() === '100-continue' && request.httpVersion === '1.1'
  beginExchange(response, requestId, !waits)
  response.setHeader('x-request-id', requestId)
  next()
}

/** Refuses heads that cannot be read in one way only. */
export const checkRequestHead: RequestHandler = (request, _response, next) => {
  checkHead(request)
  request.url = originForm(request.url)
  request.originalUrl = request.url
  next()
}

/** Refuses what comes when the server is stopping; it still says that it lives. */
export function refuseWhenStopping(context: Pick<ApiContext, 'stopping'>): RequestHandler {
  return (request, response, next) => {
    if (!context.stopping.signal.aborted) return next()
    response.setHeader('connection', 'close')
    if (request.path === '/healthz') return next()
    throw new LadingError('shutting_down', 'the server is stopping; send the request again', {
      retryAfter: 1,
    })
  }
}
