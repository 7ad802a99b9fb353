import { LadingError } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

test('a dead queue only degrades readiness, and a dead Postgres ends it, by name', async () => {
  let queue: Promise<void> = Promise.resolve()
  await using server = await ApiUnderTest.start({ deps: { queueCheck: () => queue } })
  await server.store.put(
    { bucket: 'artifacts', key: 'x' },
    Buffer.alloc(0),
    { size: 0, sha256: EMPTY, crc32: 0 as never, contentType: 'text/plain' },
    { precondition: { kind: 'none' }, signal: AbortSignal.timeout(10_000) },
  )
  expect(await server.json('/readyz')).toEqual({
    status: 'ok',
    checks: { postgres: 'ok', spool: 'ok', store: 'ok', queue: 'ok' },
  })
  queue = Promise.reject(new LadingError('queue_unavailable', 'Redis does not answer'))
  queue.catch(() => undefined)
  expect(await server.json('/readyz')).toMatchObject({
    status: 'degraded',
    checks: { postgres: 'ok', queue: 'Redis does not answer' },
  })
  await server.catalog.close()
  const response = await server.fetch('/readyz')
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { code: 'not_ready', checks: { spool: 'ok' } },
  ])
  expect(response.headers.get('retry-after')).toBe('2')
  expect((await server.fetch('/healthz')).status).toBe(200)
})

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as never

test('every request has one line in the log, with its id, tenant, run and job', async () => {
  const logged: string[] = []
  await using server = await ApiUnderTest.start({ logged })
  const { path, runId } = await server.run('acme')
  const headers = { 'x-tenant-id': 'acme', 'x-request-id': 'mine-1' }
  const response = await server.fetch(`${path}/artifacts/a.txt`, { method: 'PUT', body: 'a', headers })
  const { job_id } = (await response.json()) as { job_id: string }
  expect(response.headers.get('x-request-id')).toBe('mine-1')
  const lines = await until(
    () => {
      const found = logged.map((line) => JSON.parse(line)).filter((line) => line.req_id === 'mine-1')
      return found.length > 0 && found
    },
    { within: 30_000 },
  )
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({
    tenant: 'acme',
    run_id: runId,
    job_id,
    status: 202,
    method: 'PUT',
    bytes_in: 1,
  })
  const insane = await server.fetch('/healthz', { headers: { 'x-request-id': 'a b;c' } })
  expect(insane.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
})

test('metrics count what was accepted, answered and refused', async () => {
  await using server = await ApiUnderTest.start()
  const { path } = await server.run()
  await server.fetch(`${path}/artifacts/a.txt`, { method: 'PUT', body: 'abc' })
  await server.fetch(`${path}/artifacts/..`, { method: 'PUT', body: 'abc' })
  await server.fetch(`${path}/artifacts/a%zz`, { method: 'PUT', body: 'abc' })
  const text = await (await server.fetch('/metrics')).text()
  expect(text).toMatch(/^lading_accepted_files_total 1$/m)
  expect(text).toMatch(/^lading_accepted_bytes_total 3$/m)
  expect(text).toMatch(/^lading_http_refused_total\{code="path_invalid"\} 1$/m)
  expect(text).toMatch(/lading_http_requests_total\{method="PUT",route="[^"]*\{path\}",status="202"\} 1/)
  expect(text).toMatch(/^lading_spool_bytes\{kind="available"\} \d+/m)
})

test('a server that stops refuses new requests, lets an upload finish, and ends waits at once', async () => {
  await using server = await ApiUnderTest.start()
  const { path } = await server.run()
  using idle = await RawConnection.open(server.port)
  idle.send('GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n')
  expect((await idle.answer()).status).toBe(200)
  using upload = await RawConnection.open(server.port)
  upload.send(
    `PUT ${path}/artifacts/a HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
  )
  await upload.until('100 Continue\r\n\r\n')
  const { status_url } = await server.json(`${path}/artifacts/b`, { method: 'PUT', body: 'b' })
  using events = await RawConnection.open(server.port)
  events.send(`GET ${String(status_url)}/events HTTP/1.1\r\nHost: t\r\n\r\n`)
  await events.until('event: job')
  const stopped = server.api.stop(60_000)
  await events.closed()
  await idle.closed()
  upload.send('ok')
  await upload.until('HTTP/1.1 202')
  await upload.closed()
  await stopped
})

test('an upload that outlasts the grace is refused with 503, and leaves nothing behind', async () => {
  await using server = await ApiUnderTest.start()
  const { path } = await server.run()
  using upload = await RawConnection.open(server.port)
  upload.send(
    `PUT ${path}/artifacts/a HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n`,
  )
  await upload.until('100 Continue\r\n\r\n')
  upload.send('some')
  const stopped = server.api.stop(100)
  expect(await upload.until('"code":"shutting_down"')).toContain('HTTP/1.1 503')
  await stopped
  expect([await server.packs(), await server.jobs()]).toEqual([[], 0])
})

test('a spool without room refuses with 507 before the body is read', async () => {
  const full = new LadingError('spool_full', 'temporary storage has no room for 5 bytes')
  await using server = await ApiUnderTest.start()
  server.spool.create = () => Promise.reject(full)
  const { path } = await server.run()
  using connection = await RawConnection.open(server.port)
  connection.send(
    `PUT ${path}/artifacts/a HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
  )
  const answer = await connection.answer()
  expect([answer.status, answer.headers['retry-after']]).toEqual([507, '10'])
})

test('a bug is answered without its cause, which only the log has', async () => {
  const logged: string[] = []
  await using server = await ApiUnderTest.start({ logged })
  server.spool.create = () => Promise.reject(new Error('the secret cause'))
  const { path } = await server.run()
  const response = await server.fetch(`${path}/artifacts/a`, { method: 'PUT', body: 'a' })
  const text = await response.text()
  expect([response.status, JSON.parse(text)]).toMatchObject([500, { code: 'internal' }])
  expect(text).not.toContain('secret')
  expect(logged.join('')).toContain('the secret cause')
})
