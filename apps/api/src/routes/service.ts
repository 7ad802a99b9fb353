import { HealthResponse, ReadyResponse } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { DOCS_PAGE, DOCS_POLICY } from '../docs/page.ts'
import { exchangeOf } from '../exchange.ts'
import { operation } from '../operation.ts'
import { sendProblem } from '../problem.ts'
import { examine } from '../readiness.ts'
import { sendJson } from '../send-json.ts'
import { json } from './json-response.ts'

const tag = 'Service'
const permission = 'public'

export function health() {
  return operation({
    id: 'health',
    tag,
    permission,
    summary: 'Whether the process lives',
    responses: { 200: json('It does', HealthResponse) },
    handle({ response }) {
      sendJson(response, 200, { status: 'ok' })
    },
  })
}

export function ready(context: ApiContext) {
  return operation({
    id: 'ready',
    tag,
    permission,
    summary: 'Whether uploads can be accepted',
    description:
      'Without the store or the queue, accepting goes on: `degraded`. Without Postgres, the spool or keys of the issuer of tokens, 503.',
    responses: { 200: json('They can', ReadyResponse) },
    errors: ['not_ready'],
    async handle({ request, response }) {
      const { status, checks, error } = await examine(context)
      if (error === undefined) {
        sendJson(response, 200, { status, checks } satisfies ReadyResponse)
        return
      }
      exchangeOf(response).code = error.code
      sendProblem(context, request, response, error, { checks })
    },
  })
}

export function metrics({ metrics: registry }: Pick<ApiContext, 'metrics'>) {
  return operation({
    id: 'metrics',
    tag,
    permission: 'metrics',
    summary: 'Metrics, in the text format of Prometheus',
    description:
      'Where requests are authenticated: for the scope `admin`, or for the token that the server has for metrics.',
    responses: { 200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } } },
    errors: ['unauthenticated', 'permission_denied', 'catalog_unavailable', 'issuer_unavailable'],
    async handle({ response }) {
      const text = await registry.metrics()
      response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' }).end(text)
    },
  })
}

export function document(create: () => object) {
  let created: object | undefined
  return operation({
    id: 'openapi',
    tag,
    permission,
    summary: 'This document',
    responses: {
      200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
    },
    handle({ response }) {
      created ??= create()
      sendJson(response, 200, created)
    },
  })
}

export function docs() {
  return operation({
    id: 'docs',
    tag,
    permission,
    summary: 'This document, as a page',
    responses: { 200: { description: 'A page', content: { 'text/html': { schema: { type: 'string' } } } } },
    handle({ response }) {
      response.setHeader('content-security-policy', DOCS_POLICY)
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
      response.end(DOCS_PAGE)
    },
  })
}
