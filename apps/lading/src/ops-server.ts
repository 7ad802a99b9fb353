import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LadingError } from '@lading/protocol'
import type { Context } from './context.ts'

/** Health and metrics of a process that has no API. */
export interface OpsServer extends AsyncDisposable {
  readonly url: string
}

/** Serves `/healthz`, `/readyz` and `/metrics`. Ready: Postgres answers, so that work can be taken and kept. */
export async function startOpsServer({ config, catalog, metrics, spool }: Context): Promise<OpsServer> {
  const server = createServer((request, response) => {
    switch (request.url) {
      case '/healthz':
        return send(response, 200, 'application/json', '{"status":"ok"}')
      case '/readyz':
        return void ready([
          ['postgres', () => catalog.delivery.check()],
          ['spool', () => spool.check()],
        ]).then((checks) => {
          const ok = Object.values(checks).every((status) => status === 'ok')
          send(
            response,
            ok ? 200 : 503,
            'application/json',
            JSON.stringify({ status: ok ? 'ready' : 'not_ready', checks }),
          )
        })
      case '/metrics':
        return void metrics.metrics().then(
          (text) => send(response, 200, metrics.contentType, text),
          (error: unknown) =>
            send(response, 503, 'text/plain', `metrics are not to be had: ${sentence(error)}\n`),
        )
      default:
        return send(response, 404, 'text/plain', 'there are /healthz, /readyz and /metrics here\n')
    }
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

async function ready(checks: [string, () => Promise<void>][]): Promise<Record<string, string>> {
  const entries = checks.map(async ([name, check]): Promise<[string, string]> => {
    return [name, await check().then(() => 'ok', sentence)]
  })
  return Object.fromEntries(await Promise.all(entries))
}

function sentence(error: unknown): string {
  return error instanceof LadingError ? error.detail : 'it failed'
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  response.end(body)
}
