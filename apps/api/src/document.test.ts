import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEFAULT_API_LIMITS } from './config.ts'
import { createContext } from './context.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { createApp, createRoutes } from './server.ts'

let server: ApiUnderTest
let document: { openapi: string; paths: Record<string, Record<string, { responses: object }>> }

beforeAll(async () => {
  server = await ApiUnderTest.start()
  document = (await server.json('/openapi.json')) as never
})

afterAll(() => server[Symbol.asyncDispose]())

/** Addresses of the app itself, as Express holds them. */
function mounted(): string[] {
  const context = createContext(
    {
      catalog: server.catalog.api,
      spool: server.spool,
      store: server.store,
      jobChanges: { onHint: () => () => undefined },
      log: pino({ level: 'silent' }),
      metrics: new Registry(),
    },
    {
      host: '127.0.0.1',
      port: 0,
      auth: 'none',
      defaultTenant: undefined,
      bucket: 'artifacts',
      corsOrigins: [],
      jwt: undefined,
      tokenSecrets: [],
      metricsToken: undefined,
      locations: { scheme: { scheme: 's3' }, roots: [], tenantPrefix: false },
      limits: DEFAULT_API_LIMITS,
    },
  )
  const app = createApp(context, createRoutes(context))
  return app.router.stack.flatMap(({ route }) => {
    const methods = route?.stack.map((layer) => layer.method).filter((method) => method !== undefined) ?? []
    const path = route?.path.replace('/*path', '/{path}').replaceAll(/:(\w+)/g, '{$1}')
    return methods.map((method) => `${method} ${path}`)
  })
}

test('every address of the server is in the document, and every address of the document is served', () => {
  const documented = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  )
  expect(document.openapi).toBe('3.1.0')
  expect(mounted().sort()).toEqual(documented.sort())
})

test('every operation of the document tells its problems', () => {
  for (const item of Object.values(document.paths)) {
    for (const { responses } of Object.values(item)) {
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '500', '503']))
    }
  }
})

test('the page of the document loads from this server alone, without inline script', async () => {
  const page = await server.fetch('/docs')
  const html = await page.text()
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
  expect(html).not.toMatch(/<script>|https?:/)
  const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => String(match[1]))
  expect(assets).toHaveLength(4)
  for (const asset of assets) {
    const response = await server.fetch(asset)
    await response.arrayBuffer()
    expect([asset, response.status]).toEqual([asset, 200])
  }
})
