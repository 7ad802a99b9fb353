import { NO_QUOTA, type Quota } from '@lading/catalog'
import { newId, type TenantId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

let server: ApiUnderTest

beforeAll(async () => {
  server = await ApiUnderTest.start()
})

afterAll(() => server[Symbol.asyncDispose]())

interface Tenant {
  readonly run: string
  readonly headers: Record<string, string>
}

/** A new tenant with a run; it has the quota from the request after on which makes the run. */
async function tenantWith(quota: Partial<Quota>): Promise<Tenant> {
  const tenant = `t-${newId()}` as TenantId
  await server.catalog.api.quotas.set(tenant, { ...NO_QUOTA, ...quota })
  return { run: (await server.run(tenant)).path, headers: { 'x-tenant-id': tenant } }
}

function put({ run, headers }: Tenant, path: string, body: string, more = {}): Promise<Response> {
  return server.fetch(`${run}/artifacts/${path}`, { method: 'PUT', body, headers: { ...headers, ...more } })
}

async function refusal(response: Response): Promise<unknown> {
  return [response.status, await response.json()]
}

test.each([
  ['', ''],
  [', with an idempotency key, too', `Idempotency-Key: ${newId()}\r\n`],
])('a file that has no room is refused by its length, before a byte of it is sent%s', async (_, field) => {
  const tenant = await tenantWith({ bytes: 100 })
  expect((await put(tenant, 'a', 'x'.repeat(60))).status).toBe(202)
  const before = await server.kept()
  using connection = await RawConnection.open(server.port)
  connection.send(
    `PUT ${tenant.run}/artifacts/b HTTP/1.1\r\nHost: x\r\nX-Tenant-ID: ${tenant.headers['x-tenant-id']}\r\nContent-Length: 41\r\n${field}Expect: 100-continue\r\n\r\n`,
  )
  const answer = await connection.answer()
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
    403,
    {
      code: 'quota_exceeded',
      retryable: false,
      quota: { of: 'bytes', used: 60, allowed: 100, asked: 41 },
      detail: expect.stringMatching(/^bytes: .* 60 .* of 100/),
    },
  ])
  expect(await server.kept()).toEqual(before)
  expect((await put(tenant, 'b', 'x'.repeat(40))).status).toBe(202)
})

test('a form and a body in chunks are refused by their real bytes, and leave nothing behind', async () => {
  const tenant = await tenantWith({ bytes: 100 })
  const before = await server.kept()
  const form = new FormData()
  for (const name of ['a', 'b']) form.append('file', new Blob(['x'.repeat(60)]), name)
  const { headers } = tenant
  const sent = await server.fetch(`${tenant.run}/log-artifacts`, { method: 'POST', headers, body: form })
  expect(await refusal(sent)).toMatchObject([403, { code: 'quota_exceeded' }])
  const body = new Blob(['x'.repeat(101)]).stream()
  const chunks = await server.fetch(`${tenant.run}/artifacts/c`, {
    method: 'PUT',
    headers,
    body,
    duplex: 'half',
  } as RequestInit)
  expect(await refusal(chunks)).toMatchObject([403, { code: 'quota_exceeded' }])
  expect(await server.kept()).toEqual(before)
})

test('a repeated upload is answered as the first, however full the tenant is by now', async () => {
  const tenant = await tenantWith({ objects: 1 })
  const key = { 'idempotency-key': newId() }
  expect((await put(tenant, 'a', 'x', key)).status).toBe(202)
  expect((await put(tenant, 'a', 'x', key)).status).toBe(202)
  expect(await refusal(await put(tenant, 'b', 'x', { 'idempotency-key': newId() }))).toMatchObject([
    403,
    { code: 'quota_exceeded', quota: { of: 'objects', used: 1, allowed: 1, asked: 1 } },
  ])
})

function beginResumable({ run, headers }: Tenant, length: number): Promise<Response> {
  return server.fetch(`${run}/resumable`, {
    method: 'POST',
    headers: { ...headers, ...TUS, 'upload-length': String(length), 'upload-metadata': 'path YQ==' },
  })
}

const TUS = { 'tus-resumable': '1.0.0' }

test('a resumable upload that has no room is refused when it is begun', async () => {
  const tenant = await tenantWith({ bytes: 10 })
  expect(await refusal(await beginResumable(tenant, 11))).toMatchObject([403, { code: 'quota_exceeded' }])
})

test('what came of a resumable upload counts among what waits, once, and each of its pieces is held to that', async () => {
  const tenant = await tenantWith({ spooledBytes: 15 })
  const address = (await beginResumable(tenant, 12)).headers.get('location') ?? ''
  const piece = (offset: number, body: string) =>
    fetch(new URL(address, server.url), {
      method: 'PATCH',
      headers: {
        ...tenant.headers,
        ...TUS,
        'upload-offset': String(offset),
        'content-type': 'application/offset+octet-stream',
      },
      body,
    })
  expect((await piece(0, 'x'.repeat(8))).status).toBe(204)
  expect(await refusal(await put(tenant, 'b', 'x'.repeat(8)))).toMatchObject([
    429,
    { code: 'backlog_full', quota: { of: 'spooled_bytes', used: 8, allowed: 15, asked: 8 } },
  ])
  expect((await put(tenant, 'b', 'x'.repeat(6))).status).toBe(202)
  expect(await refusal(await piece(8, 'x'.repeat(4)))).toMatchObject([429, { code: 'backlog_full' }])
  await deliverAndDrop()
  expect((await piece(8, 'x'.repeat(4))).status).toBe(204)
  const usage = await server.catalog.api.quotas.usage(tenant.headers['x-tenant-id'] as TenantId)
  expect(usage).toMatchObject({ comingObjects: 1, comingBytes: 12, spooledBytes: 12 })
})

async function deliverAndDrop(): Promise<void> {
  const packs = await server.packs()
  await server.deliver()
  await server.catalog.delivery.packs.dropped(packs)
}

test('a backlog that is full asks to come back, and takes uploads again when it is delivered', async () => {
  const tenant = await tenantWith({ spooledBytes: 100 })
  expect((await put(tenant, 'a', 'x'.repeat(80))).status).toBe(202)
  const full = await put(tenant, 'b', 'x'.repeat(21))
  expect([full.headers.get('retry-after'), await refusal(full)]).toMatchObject([
    '5',
    [429, { code: 'backlog_full', retryable: true, quota: { of: 'spooled_bytes', used: 80, allowed: 100 } }],
  ])
  await deliverAndDrop()
  expect((await put(tenant, 'b', 'x'.repeat(21))).status).toBe(202)
})

test('a tenant has so many requests a second, is told how it stands, and others are not in the way', async () => {
  const tenant = await tenantWith({ requestsPerSecond: 5 })
  const other = await tenantWith({})
  const ask = ({ run, headers }: Tenant) => server.fetch(run, { headers })
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(tenant)))
  const refused = answers.filter(({ status }) => status === 429)
  // The bucket fills up while it is drawn from, however slow the machine is; but not by as much as this.
  expect(refused.length).toBeGreaterThan(0)
  const [first] = refused
  expect(await first?.json()).toMatchObject({
    code: 'too_many_requests',
    detail: expect.stringMatching(/ 5 requests a second/),
  })
  expect(first?.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  for (const { headers } of answers) {
    expect(headers.get('ratelimit-policy')).toBe('"requests";q=5;w=1')
    expect(headers.get('ratelimit')).toMatch(/^"requests";r=\d+;t=\d+$/)
  }
  const others = await Promise.all(Array.from({ length: 30 }, () => ask(other)))
  expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]))
  expect(others[0]?.headers.has('ratelimit-policy')).toBe(false)
})

test('a tenant that has sent its bytes for a while waits; one body may be longer than the rate', async () => {
  const tenant = await tenantWith({ bytesPerSecond: 10 })
  const long = await put(tenant, 'long', 'x'.repeat(10_000))
  expect([long.status, long.headers.get('ratelimit-policy')]).toEqual([
    202,
    '"bytes";q=100;w=10;qu="content-bytes"',
  ])
  const next = await put(tenant, 'next', 'x')
  expect(await refusal(next)).toMatchObject([429, { code: 'too_many_bytes' }])
  expect(Number(next.headers.get('retry-after'))).toBeGreaterThan(100)
})

test('bytes that were announced and did not come are given back', async () => {
  const tenant = await tenantWith({ bytesPerSecond: 10 })
  const refused = await put(tenant, 'a', 'x'.repeat(10_000), { 'content-digest': 'sha-256=:abc' })
  expect(refused.status).toBe(400)
  expect((await put(tenant, 'b', 'x')).status).toBe(202)
})

test('a tenant may have a limit of its own for uploads at once', async () => {
  const tenant = await tenantWith({ uploadsAtOnce: 1 })
  using slow = await RawConnection.open(server.port)
  slow.send(
    `PUT ${tenant.run}/artifacts/slow HTTP/1.1\r\nHost: x\r\nX-Tenant-ID: ${tenant.headers['x-tenant-id']}\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`,
  )
  await slow.until('100 Continue')
  expect(await refusal(await put(tenant, 'b', 'x'))).toMatchObject([429, { code: 'too_many_at_once' }])
})
