import { newId } from '@lading/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { request } from './fixtures/form.ts'
import { RawConnection } from './fixtures/raw-connection.ts'
import { createRoutes } from './server.ts'

/** What helmet sets, as this server wants it, but for the content policy. */
const EVERYWHERE = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
}

let server: ApiUnderTest
let withKeys: ApiUnderTest
let run: string

beforeAll(async () => {
  server = await ApiUnderTest.start()
  withKeys = await ApiUnderTest.start({ config: { auth: 'api-key' } })
  run = (await server.run()).path
  for (const path of ['a.txt', 'plots/page.html'])
    await server.fetch(`${run}/artifacts/${path}`, { method: 'PUT', body: 'some text' })
  await server.deliver()
})

afterAll(async () => {
  await withKeys[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const routes = createRoutes({ config: { limits: {} } } as never)

describe.each(routes.map((route) => ({ ...route, name: `${route.method} ${route.path}` })))(
  '$name',
  ({ method, path, operation }) => {
    test('answers nobody and somebody with every header', async () => {
      const address = path.replace('{path}', 'a.txt').replaceAll(/\{\w+\}/g, newId())
      const nobody = await withKeys.fetch(address, { method })
      expect(nobody.status === 401).toBe(operation.permission !== 'public')
      await expectSafe(nobody)
      await expectSafe(await server.fetch(address, { method }))
    })
  },
)

test.each([
  ['an upload', 202, () => put(`${run}/artifacts/b.txt`)],
  ['a list', 200, () => server.fetch(`${run}/artifacts`)],
  ['a download', 200, () => server.fetch(`${run}/artifacts/a.txt`)],
  ['a download of active content', 200, () => server.fetch(`${run}/artifacts/plots/page.html`)],
  ['a head', 200, () => server.fetch(`${run}/artifacts/a.txt`, { method: 'HEAD' })],
  ['a range', 206, () => server.fetch(`${run}/artifacts/a.txt`, { headers: { range: 'bytes=0-1' } })],
  ['what has not changed', 304, () => server.fetch(`${run}/artifacts/a.txt`, IF_NONE_MATCH)],
  ['a range outside', 416, () => server.fetch(`${run}/artifacts/a.txt`, { headers: { range: 'bytes=99-' } })],
  ['a directory as an archive', 200, () => server.fetch(`${run}/artifacts/plots?archive=tar`)],
  ['a deletion', 204, () => server.fetch(`${run}/artifacts/plots/page.html`, { method: 'DELETE' })],
  ['a resumable upload', 201, () => server.fetch(`${run}/resumable`, RESUMABLE)],
  ['the page of the document', 200, () => server.fetch('/docs')],
  ['a file of that page', 200, () => server.fetch('/docs/init.js')],
  ['a bad path', 400, () => put(`${run}/artifacts/a%00b`)],
  ['no such address', 404, () => server.fetch('/nothing/here')],
  ['no such file of the page', 404, () => server.fetch('/docs/nothing.js')],
  ['no such method', 405, () => server.fetch(`${run}/artifacts`, { method: 'PUT' })],
])('%s is answered with %i and every header', async (_what, status, ask) => {
  const response = await ask()
  expect(response.status).toBe(status)
  await expectSafe(response)
})

test.each([
  ['broken framing', 400, 'GET / HTTP/1.1\r\nHost: t\r\nContent-Length: x\r\n\r\n'],
  ['a header that is too large', 431, request(`GET /${'a'.repeat(20_000)}`, [])],
  ['a request without a host', 400, 'GET /healthz HTTP/1.1\r\n\r\n'],
])('%s is answered with %i and every header', async (_what, status, bytes) => {
  using connection = await RawConnection.open(server.port)
  const answer = await connection.send(bytes).answer()
  expect(answer.status).toBe(status)
  expectSafeHeaders(answer.headers)
})

test('one connection too many is answered with every header', async () => {
  await using crowded = await ApiUnderTest.start({ limits: { connectionsOfAddress: 1 } })
  using first = await RawConnection.open(crowded.port)
  expect((await first.send(request('GET /healthz', [])).answer()).status).toBe(200)
  using second = await RawConnection.open(crowded.port)
  const answer = await second.answer()
  expect(answer.status).toBe(429)
  expectSafeHeaders(answer.headers)
})

test('a bug is answered with every header', async () => {
  await using failing = await ApiUnderTest.start()
  const { path } = await failing.run()
  failing.spool.create = () => Promise.reject(new Error('a bug'))
  const bug = await failing.fetch(`${path}/artifacts/a`, { method: 'PUT', body: 'a' })
  expect(bug.status).toBe(500)
  await expectSafe(bug)
})

test('a server that stops answers with every header', async () => {
  await using stopping = await ApiUnderTest.start()
  const { path } = await stopping.run()
  using upload = await RawConnection.open(stopping.port)
  upload.send(request(`PUT ${path}/artifacts/a`, ['Content-Length: 9']))
  upload.send('some')
  const stopped = stopping.api.stop(100)
  const answer = await upload.answer()
  expect(answer.status).toBe(503)
  expectSafeHeaders(answer.headers)
  await stopped
})

test('only the page of the document may run what this server has', async () => {
  const policyOf = async (path: string) => {
    const response = await server.fetch(path)
    await response.body?.cancel()
    return response.headers.get('content-security-policy') ?? ''
  }
  expect(await policyOf('/docs')).toContain("script-src 'self';")
  for (const path of ['/healthz', '/openapi.json', '/docs/init.js', '/nothing', `${run}/artifacts/a.txt`])
    expect(await policyOf(path)).not.toContain('script-src')
})

const IF_NONE_MATCH = { headers: { 'if-none-match': '*' } }
const RESUMABLE = {
  method: 'POST',
  headers: { 'tus-resumable': '1.0.0', 'upload-length': '4', 'upload-metadata': 'path YQ==' },
}

function put(path: string): Promise<Response> {
  return server.fetch(path, { method: 'PUT', body: 'b' })
}

async function expectSafe(response: Response): Promise<void> {
  await response.body?.cancel()
  expectSafeHeaders(Object.fromEntries(response.headers))
}

function expectSafeHeaders(headers: Readonly<Record<string, string>>): void {
  expect(headers).toMatchObject(EVERYWHERE)
  const policy = headers['content-security-policy']
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(
    Object.keys(headers).filter((name) => /^(x-powered-by|server|access-control-.*)$/.test(name)),
  ).toEqual([])
}
