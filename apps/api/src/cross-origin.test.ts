import { createHash } from 'node:crypto'
import { NO_QUOTA } from '@lading/catalog'
import type { TenantId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EXPOSED_HEADERS } from './cross-origin.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

const LISTED = 'https://ml.example.com'

let server: ApiUnderTest
let run: string

beforeAll(async () => {
  server = await ApiUnderTest.start({ config: { auth: 'api-key', corsOrigins: [LISTED] } })
})

beforeAll(async () => {
  const { experiments, runs, keys, quotas } = server.catalog.api
  const tenant = 'acme' as TenantId
  await quotas.set(tenant, { ...NO_QUOTA, requestsPerSecond: 1000 })
  const { experimentId } = await experiments.create(tenant, { name: 'pages', location: undefined })
  const { runId } = await runs.create(tenant, { experimentId, name: undefined })
  run = `/api/v1/experiments/runs/${runId}`
  const { key } = await keys.create(tenant, { name: 'page', scopes: ['admin'], expiresAt: undefined })
  bearer = { authorization: `Bearer ${key}` }
})

afterAll(() => server[Symbol.asyncDispose]())

let bearer: Record<string, string>

function ask(path: string, init: RequestInit = {}, origin = LISTED): Promise<Response> {
  return server.fetch(path, { ...init, headers: { origin, ...bearer, ...init.headers } })
}

function preflight(path: string, origin: string): Promise<Response> {
  const headers = {
    origin,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'authorization,x-tenant-id',
  }
  return server.fetch(path, { method: 'OPTIONS', headers })
}

test('a page of a listed origin may ask with any method and header field, at every address', async () => {
  for (const path of [`${run}/artifacts/a.txt`, `${run}/resumable`, '/nothing/here']) {
    const response = await preflight(path, LISTED)
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': LISTED,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization,x-tenant-id',
      'access-control-max-age': '7200',
      vary: 'Origin, Access-Control-Request-Headers',
      ...SECURITY_HEADERS,
    })
    expect(response.headers.has('access-control-allow-credentials')).toBe(false)
  }
})

test('a page of a listed origin may read answers, refusals among them', async () => {
  for (const response of [
    await ask('/api/v1/jobs'),
    await ask('/nothing'),
    await server.fetch('/api/v1/jobs', { headers: { origin: LISTED } }),
  ]) {
    await response.body?.cancel()
    expect(response.headers.get('access-control-allow-origin')).toBe(LISTED)
    expect(response.headers.get('vary')).toBe('Origin')
  }
})

test.each([
  'https://evil.example',
  'http://ml.example.com',
  'https://ml.example.com:8443',
  'https://ml.example.com.evil.example',
  'https://ML.example.com',
  'null',
  '*',
])('a page of %s may read nothing', async (origin) => {
  const responses = [await preflight(`${run}/artifacts/a.txt`, origin), await ask('/api/v1/jobs', {}, origin)]
  for (const response of responses) {
    await response.body?.cancel()
    const names = [...response.headers.keys()].filter((name) => name.startsWith('access-control-'))
    expect([names, response.headers.get('vary')]).toEqual([[], 'Origin'])
  }
  expect(responses[0]?.status).toBe(405)
})

test.each(['cross-site', 'same-site'])('a page of another origin sends a form in vain: %s', async (site) => {
  for (const config of [{ corsOrigins: [LISTED] }, {}]) {
    await using open = await ApiUnderTest.start({ config })
    const { path } = await open.run()
    const ask = (origin: string, secFetchSite: string) => {
      const body = new FormData()
      body.append('file', new File(['forged'], 'forged.txt'))
      const headers = { origin, 'sec-fetch-site': secFetchSite }
      return open.fetch(`${path}/log-artifact`, { method: 'POST', headers, body })
    }
    const refused = await ask('https://evil.example', site)
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: 'origin_not_allowed' }])
    expect([await open.packs(), await open.jobs()]).toEqual([[], 0])
    expect((await ask(open.url, 'same-origin')).status).toBe(202)
    expect((await ask(LISTED, site)).status).toBe('corsOrigins' in config ? 202 : 403)
  }
})

test('what a preflight brings as a body has the limits of other bodies', async () => {
  const response = await server.fetch(`${run}/artifacts/a.txt`, {
    method: 'OPTIONS',
    headers: { origin: LISTED, 'access-control-request-method': 'PUT' },
    body: 'no browser sends this',
  })
  await response.body?.cancel()
  expect(response.status).toBe(405)
})

test('whatever an answer says in its headers, a page of a listed origin may read', async () => {
  const tus = { 'tus-resumable': '1.0.0' }
  const body = 'some text'
  const put = { method: 'PUT', body, headers: { prefer: 'wait=0', 'idempotency-key': 'pages-1' } }
  const created = await ask(`${run}/resumable`, {
    method: 'POST',
    headers: { ...tus, 'upload-length': '4', 'upload-metadata': 'path YQ==' },
  })
  const answers = [
    created,
    await ask(created.headers.get('location') ?? '', { method: 'HEAD', headers: tus }),
    await ask(created.headers.get('location') ?? '', {
      method: 'PATCH',
      body: 'last',
      headers: {
        ...tus,
        'content-type': 'application/offset+octet-stream',
        'upload-offset': '0',
        'upload-metadata': `sha256 ${btoa(createHash('sha256').update('last').digest('hex'))}`,
      },
    }),
    await ask(`${run}/resumable`, { method: 'OPTIONS', headers: tus }),
    await ask(`${run}/artifacts/a.txt`, put),
    await ask(`${run}/artifacts/a.txt`, put),
  ]
  await server.deliver()
  answers.push(
    await ask(`${run}/artifacts/a.txt`),
    await ask(`${run}/artifacts/a.txt`, { headers: { range: 'bytes=0-1' } }),
    await ask('/api/v1/jobs', { headers: { authorization: '' } }),
    await ask('/api/v1/jobs', { method: 'PUT' }),
  )
  const hidden = answers.flatMap((response) =>
    [...response.headers.keys()].filter((name) => !isReadable(name)),
  )
  for (const response of answers) await response.body?.cancel()
  expect(hidden).toEqual([])
  expect(created.headers.has('ratelimit')).toBe(true)
})

test('where no origin is listed, nothing is said of origins', async () => {
  await using plain = await ApiUnderTest.start()
  const response = await plain.fetch('/healthz', { headers: { origin: LISTED } })
  await response.body?.cancel()
  expect([...response.headers.keys()].filter((name) => /^(access-control-.*|vary)$/.test(name))).toEqual([])
})

/** Of the connection, for browsers themselves, or what pages may always read. */
const OTHERS = [
  ...['connection', 'keep-alive', 'transfer-encoding', 'vary', 'date', 'access-control-allow-origin'],
  ...['access-control-expose-headers', 'cache-control', 'content-length', 'content-type', 'last-modified'],
  ...Object.keys(SECURITY_HEADERS),
]

function isReadable(name: string): boolean {
  return [...OTHERS, ...EXPOSED_HEADERS.map((exposed) => exposed.toLowerCase())].includes(name)
}
