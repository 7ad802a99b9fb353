import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { rawTar } from './fixtures/raw-archives.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

const LIMITS = { job: { files: 3, bytes: 100 }, uploadsOfTenant: 2, pathBytes: 40, pathDepth: 3 }

let server: ApiUnderTest

beforeAll(async () => {
  server = await ApiUnderTest.start({ limits: LIMITS })
})

afterAll(() => server[Symbol.asyncDispose]())

type Refusal = [number, { code?: string; detail?: string }]

async function send(path: string, init: RequestInit): Promise<Refusal> {
  const response = await server.fetch(path, init)
  return [response.status, (await response.json()) as Refusal[1]]
}

function put(run: string, path: string, body = 'x', query = ''): Promise<Refusal> {
  return send(`${run}/artifacts/${path}${query}`, { method: 'PUT', body })
}

function form(run: string, names: readonly string[], query = '', body = 'x'): Promise<Refusal> {
  const form = new FormData()
  for (const name of names) form.append('file', new Blob([body]), name)
  return send(`${run}/log-artifacts${query}`, { method: 'POST', body: form })
}

function tar(run: string, names: readonly string[], query = ''): Promise<Refusal> {
  const headers = { 'content-type': 'application/x-tar' }
  const body = rawTar(...names.map((name) => ({ name, bytes: Buffer.from('x') })))
  return send(`${run}/log-artifacts${query}`, { method: 'POST', headers, body })
}

async function openJob(run: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const { job_id } = await server.json(`${run}/uploads`, { method: 'POST', headers, body: '{}' })
  return String(job_id)
}

/** What there is before and after a refusal. */
async function kept(jobId?: string): Promise<unknown> {
  const job = jobId === undefined ? undefined : await server.json(`/api/v1/jobs/${jobId}`)
  return [await server.jobs(), (await server.packs()).sort(), job]
}

test('an open job that many requests fill has a limit of files, and stays as it was when one would pass it', async () => {
  const { path: run } = await server.run()
  const jobId = await openJob(run)
  const query = `?job_id=${jobId}`
  expect((await form(run, ['a', 'b'], query))[0]).toBe(202)
  const before = await kept(jobId)
  for (const lane of [form, tar]) {
    expect(await lane(run, ['c', 'd'], query)).toMatchObject([
      413,
      {
        code: 'job_too_large',
        detail: expect.stringMatching(/^job_id: .* 4 files .* limit of one job is 3/),
      },
    ])
    expect(await kept(jobId)).toEqual(before)
  }
  expect((await put(run, 'c', 'x', query))[0]).toBe(202)
})

test('a job for more files than one may have is not opened', async () => {
  const { path: run } = await server.run()
  const before = await kept()
  const open = (files: number) =>
    send(`${run}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ expected_files: files }),
    })
  expect(await open(4)).toMatchObject([
    413,
    { code: 'job_too_large', detail: 'expected_files: 4; the limit of one job is 3; use several jobs' },
  ])
  expect(await kept()).toEqual(before)
  expect((await open(3))[0]).toBe(201)
})

test('a job that is full refuses a file by its head, before the body is sent', async () => {
  const { path: run } = await server.run()
  const jobId = await openJob(run)
  expect((await form(run, ['a', 'b', 'c'], `?job_id=${jobId}`))[0]).toBe(202)
  using connection = await RawConnection.open(server.port)
  connection.send(
    `PUT ${run}/artifacts/d?job_id=${jobId} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n`,
  )
  const answer = await connection.answer()
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([413, { code: 'job_too_large' }])
})

test('a job has a limit of bytes, whether one request brings them or many', async () => {
  const { path: run } = await server.run()
  const before = await kept()
  expect(await form(run, ['a', 'b'], '', 'x'.repeat(60))).toMatchObject([
    413,
    { code: 'job_too_large', detail: expect.stringMatching(/120 bytes; the limit of one job is 100 bytes/) },
  ])
  expect(await kept()).toEqual(before)
  const jobId = await openJob(run)
  const query = `?job_id=${jobId}`
  expect((await put(run, 'a', 'x'.repeat(60), query))[0]).toBe(202)
  expect(await put(run, 'b', 'x'.repeat(41), query)).toMatchObject([413, { code: 'job_too_large' }])
  expect((await put(run, 'b', 'x'.repeat(40), query))[0]).toBe(202)
})

test.each([
  ['longer', 'long/'.padEnd(41, 'é'), /^path: "long\/é+" has 77 bytes of UTF-8; the limit here is 40/],
  ['deeper', 'a/b/c/d', /^path: "a\/b\/c\/d" has 4 segments; the limit here is 3/],
])(
  'a path that is %s than the operator allows is refused by its name, in every way to send it',
  async (_what, path, detail) => {
    const { path: run } = await server.run()
    const before = await kept()
    const refusal = [400, { code: 'path_invalid', detail: expect.stringMatching(detail) }]
    expect(await put(run, encodeURI(path))).toMatchObject(refusal)
    expect(await form(run, ['good', path])).toMatchObject(refusal)
    expect(await tar(run, ['good', path])).toMatchObject(refusal)
    expect(await kept()).toEqual(before)
    expect((await form(run, [path.slice(0, 5).replace(/\/$/, '')]))[0]).toBe(202)
  },
)

test('a tenant has so many uploads under way at once; one more is refused before its body, and others are not in the way', async () => {
  const [{ path: run }, { path: others }] = [await server.run(), await server.run('other')]
  const under = [await RawConnection.open(server.port), await RawConnection.open(server.port)]
  for (const [n, connection] of under.entries())
    connection.send(`PUT ${run}/artifacts/slow-${n} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx`)
  await until(async () => (await server.packs()).length >= 2 && (await uploadsUnderWay()) === 2, {
    within: 20_000,
  })
  const before = await kept()
  using third = await RawConnection.open(server.port)
  third.send(
    `PUT ${run}/artifacts/third HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`,
  )
  const answer = await third.answer()
  expect([answer.status, answer.headers['retry-after'], JSON.parse(answer.body)]).toMatchObject([
    429,
    '1',
    { code: 'too_many_at_once', detail: expect.stringMatching(/^X-Tenant-ID: .* 2 uploads .* the limit/) },
  ])
  expect(await kept()).toEqual(before)
  const headers = { 'x-tenant-id': 'other' }
  expect((await server.fetch(`${others}/artifacts/a`, { method: 'PUT', body: 'x', headers })).status).toBe(
    202,
  )
  for (const connection of under) {
    connection.send('x')
    expect((await connection.answer()).status).toBe(202)
    connection[Symbol.dispose]()
  }
  expect((await put(run, 'third'))[0]).toBe(202)
})

async function uploadsUnderWay(): Promise<number> {
  const text = await (await server.fetch('/metrics')).text()
  return Number(/^lading_uploads_in_flight (\d+)$/m.exec(text)?.[1])
}
