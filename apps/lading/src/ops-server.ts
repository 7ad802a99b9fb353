import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { admitToMetrics, examine, type Identities, openIdentities, SECURITY_HEADERS } from '@lading/api'
import { LadingError } from '@lading/protocol'
import type { Context } from './context.ts'

/** Health and metrics of a process that has no API. */
export interface OpsServer extends AsyncDisposable {
  readonly url: string
}

/** Serves `/healthz`, `/readyz` and `/metrics`, with the answers that the API gives, and to whom it gives them. */
export async function startOpsServer(context: Context): Promise<OpsServer> {
  const { config } = context
  const identities = openIdentities({ config: config.api, catalog: context.catalog.api })
  const server = createServer((request, response) => {
    answer(context, identities, request, response).catch((error: unknown) => {
      if (error instanceof LadingError) return refuse(response, error)
      const path = request.url?.split('?')[0]
      context.log.error({ err: error, path }, 'a request to the ops server failed')
      send(response, 500, 'text/plain', 'it failed; the log says why\n')
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.opsPort, config.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(
  context: Context,
  identities: Identities,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (request.url?.split('?')[0]) {
    case '/healthz':
      return sendJson(response, 200, { status: 'ok' })
    case '/readyz':
      return await ready(context, response)
    case '/metrics':
      await admitToMetrics(request, context.config.api, identities)
      return send(response, 200, context.metrics.contentType, await context.metrics.metrics())
    default:
      return send(response, 404, 'text/plain', 'there are /healthz, /readyz and /metrics here\n')
  }
}

/** Without Postgres or the spool no work can be taken; without the store or the queue it waits. */
async function ready({ catalog, spool, store, queue, config, log }: Context, response: ServerResponse) {
  const { status, checks, error } = await examine({
    catalog: catalog.api,
    spool,
    store,
    queueCheck: () => queue.check(),
    config: config.api,
    log,
  })
  if (error === undefined) sendJson(response, 200, { status, checks })
  else sendJson(response, error.status, { status: error.code, checks })
}

function refuse(response: ServerResponse, error: LadingError): void {
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value)
  send(response, error.status, 'text/plain', `${error.message}\n`)
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', JSON.stringify(body))
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'content-type': type,
    'cache-control': 'no-store',
  })
  response.end(body)
}
