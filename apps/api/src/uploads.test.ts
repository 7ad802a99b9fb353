import { createHash } from 'node:crypto'
import { formatDigestField, newId, type Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { failAll } from './fixtures/deliver-all.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

let server: ApiUnderTest

beforeAll(async () => {
  server = await ApiUnderTest.start()
})

afterAll(() => server[Symbol.asyncDispose]())

function sha256(text: string): Sha256Hex {
  return createHash('sha256').update(text).digest('hex') as Sha256Hex
}

function formOf(fields: Record<string, string>, files: Record<string, string>, filesFirst = false): FormData {
  const form = new FormData()
  const addFields = () => {
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
  }
  if (!filesFirst) addFields()
  for (const [name, text] of Object.entries(files)) form.append('file', new Blob([text]), name)
  if (filesFirst) addFields()
  return form
}

test('a file by form is accepted with its path, its job and where to ask for it', async () => {
  const { runId, path } = await server.run()
  const body = formOf({ artifact_path: 'models/' }, { 'model.pkl': 'weights' })
  const response = await server.fetch(`${path}/log-artifact`, { method: 'POST', body })
  const receipt = (await response.json()) as Record<string, string>
  expect(response.status).toBe(202)
  expect(receipt).toMatchObject({
    message: 'Artifact accepted',
    run_id: runId,
    artifact: 'models/model.pkl',
    artifacts: ['models/model.pkl'],
    state: 'queued',
    status_url: `/api/v1/jobs/${receipt.job_id}`,
  })
  expect(response.headers.get('location')).toBe(receipt.status_url)
})

test('fields may come after the file, and several files with directories are one job', async () => {
  const { path } = await server.run()
  const body = formOf({ artifact_path: 'plots' }, { 'a/loss.png': 'one', 'roc.svg': 'two' }, true)
  const receipt = await server.json(`${path}/log-artifact`, { method: 'POST', body })
  expect(receipt.artifacts).toEqual(['plots/a/loss.png', 'plots/roc.svg'])
  expect(await server.json(String(receipt.status_url))).toMatchObject({
    files: { total: 2, done: 0 },
    bytes: { total: 6 },
  })
})

test('what is delivered is downloaded byte for byte, from a form and from a raw body', async () => {
  const { path } = await server.run()
  await server.fetch(`${path}/log-artifact`, { method: 'POST', body: formOf({}, { 'a.txt': 'from a form' }) })
  await server.fetch(`${path}/artifacts/dir/b%20c.txt`, { method: 'PUT', body: 'from a body' })
  await server.fetch(`${path}/artifacts/empty.bin`, { method: 'PUT', body: '' })
  await server.deliver()
  expect(await (await server.fetch(`${path}/artifacts/a.txt`)).text()).toBe('from a form')
  expect(await (await server.fetch(`${path}/artifacts/dir%2Fb%20c.txt`)).text()).toBe('from a body')
  const empty = await server.fetch(`${path}/artifacts/empty.bin`)
  expect([empty.status, await empty.text()]).toEqual([200, ''])
})

test('a body in chunks, of several megabytes, arrives whole', async () => {
  const { path } = await server.run()
  const bytes = Buffer.alloc(9 * 1024 * 1024 + 17, 'lading ')
  const body = new ReadableStream({
    start(controller) {
      for (let from = 0; from < bytes.length; from += 100_003)
        controller.enqueue(bytes.subarray(from, from + 100_003))
      controller.close()
    },
  })
  const sent = await server.fetch(`${path}/artifacts/big.bin`, {
    method: 'PUT',
    body,
    duplex: 'half',
  } as RequestInit)
  expect(sent.status).toBe(202)
  await server.deliver()
  const got = Buffer.from(await (await server.fetch(`${path}/artifacts/big.bin`)).arrayBuffer())
  expect(got.equals(bytes)).toBe(true)
})

test('digests that hold are accepted: by header, by field and by manifest', async () => {
  const { path } = await server.run()
  const digest = {
    'content-digest': formatDigestField(sha256('x')),
    'repr-digest': formatDigestField(sha256('x')),
  }
  const put = await server.fetch(`${path}/artifacts/x`, { method: 'PUT', body: 'x', headers: digest })
  expect(put.status).toBe(202)
  const field = formOf({ sha256: sha256('y').toUpperCase() }, { y: 'y' })
  expect((await server.fetch(`${path}/log-artifact`, { method: 'POST', body: field })).status).toBe(202)
  const manifest = JSON.stringify([
    { path: 'd/b', size: 2, sha256: sha256('bb') },
    { path: 'd/a', size: 1, sha256: sha256('a') },
  ])
  const many = formOf({ manifest, artifact_path: 'd' }, { a: 'a', b: 'bb' }, true)
  expect((await server.fetch(`${path}/log-artifact`, { method: 'POST', body: many })).status).toBe(202)
})

test('a client that prefers to wait is told 201 when all is delivered', async () => {
  const { path } = await server.run()
  const headers = { prefer: 'respond-async, wait=30' }
  let answered = false
  const answer = server.fetch(`${path}/artifacts/w.txt`, { method: 'PUT', body: 'w', headers })
  const noted = answer.finally(() => {
    answered = true
  })
  await until(() => server.deliver().then(() => answered), { within: 30_000 })
  const response = await noted
  expect(response.status).toBe(201)
  expect(response.headers.get('preference-applied')).toBe('wait=30')
  expect(await response.json()).toMatchObject({
    message: 'Artifact logged',
    state: 'completed',
    artifact: 'w.txt',
  })
})

test('a client that waits in vain is told 202', async () => {
  const { path } = await server.run()
  const headers = { prefer: 'wait=1' }
  const response = await server.fetch(`${path}/artifacts/v.txt`, { method: 'PUT', body: 'v', headers })
  expect(response.status).toBe(202)
  expect(await response.json()).toMatchObject({ message: 'Artifact accepted' })
})

test('a retry with the same key and files is answered with the first job, and keeps nothing twice', async () => {
  const { path } = await server.run()
  const headers = { 'idempotency-key': `key ${newId()}` }
  const send = (text: string) =>
    server.fetch(`${path}/log-artifact`, { method: 'POST', headers, body: formOf({}, { a: text, b: 'b' }) })
  const first = await send('a')
  const packs = await server.packs()
  const again = await send('a')
  expect([first.status, again.status]).toEqual([202, 202])
  expect(((await again.json()) as { job_id: string }).job_id).toBe(
    ((await first.json()) as { job_id: string }).job_id,
  )
  expect([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')]).toEqual([
    null,
    'true',
  ])
  expect((await server.packs()).sort()).toEqual(packs.sort())
  const other = await send('another')
  expect([other.status, await other.json()]).toMatchObject([422, { code: 'idempotency_key_reused' }])
  const elsewhere = await server.fetch(`${path}/artifacts/a`, { method: 'PUT', headers, body: 'a' })
  expect(elsewhere.status).toBe(422)
})

test('a key is free again when its request was refused, and taken while it is under way', async () => {
  const { path } = await server.run()
  const key = `key-${newId()}`
  const put = (body: string, digestOf: string) =>
    server.fetch(`${path}/artifacts/k`, {
      method: 'PUT',
      body,
      headers: { 'idempotency-key': key, 'content-digest': formatDigestField(sha256(digestOf)) },
    })
  expect((await put('a', 'b')).status).toBe(400)
  using slow = await RawConnection.open(server.port)
  slow.send(
    `PUT ${path}/artifacts/k HTTP/1.1\r\nHost: t\r\nIdempotency-Key: ${key}\r\nExpect: 100-continue\r\n`,
  )
  slow.send('Content-Length: 1\r\n\r\n')
  await slow.until('100 Continue')
  const meanwhile = await put('a', 'a')
  expect([meanwhile.status, await meanwhile.json()]).toMatchObject([
    409,
    { code: 'idempotency_key_in_flight' },
  ])
  slow.reset()
  await until(async () => (await put('a', 'a')).status === 202, { within: 30_000 })
})

test('a client that asks first is told to go on when it is admitted, and spared its body when it is not', async () => {
  const { path } = await server.run()
  using good = await RawConnection.open(server.port)
  good.send(
    `PUT ${path}/artifacts/e HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
  )
  await good.until('HTTP/1.1 100 Continue\r\n\r\n')
  good.send('ok')
  await good.until('HTTP/1.1 202')
  using bad = await RawConnection.open(server.port)
  const nowhere = `/api/v1/experiments/runs/${newId()}/artifacts/e`
  bad.send(`PUT ${nowhere} HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`)
  const refusal = await bad.answer()
  expect(refusal).toMatchObject({ status: 404, headers: { connection: 'close' } })
})

test('a client that waits for what then fails is told why, and of which file', async () => {
  const { path } = await server.run()
  let answered = false
  const answer = server
    .fetch(`${path}/artifacts/f.txt`, { method: 'PUT', body: 'f', headers: { prefer: 'wait=60' } })
    .finally(() => {
      answered = true
    })
  const fail = () => failAll(server.catalog, server.spool, 'store_access_denied', 'the key may not write')
  await until(() => fail().then(() => answered), { within: 30_000 })
  const response = await answer
  const problem = (await response.json()) as Record<string, string>
  expect([response.status, problem]).toMatchObject([
    502,
    { code: 'store_access_denied', detail: '"f.txt": the key may not write', retryable: false },
  ])
  expect(await server.json(String(problem.status_url))).toMatchObject({
    job_id: problem.job_id,
    state: 'failed',
    error: { code: 'store_access_denied', path: 'f.txt' },
  })
  const retried = await server.fetch(`${problem.status_url}/retry`, { method: 'POST' })
  expect([retried.status, await retried.json()]).toMatchObject([202, { state: 'queued' }])
})

test.each([
  ['may have been lost in the answer', 'catalog_unavailable', 503, 1],
  ['surely was not made', 'path_conflict', 409, 0],
] as const)(
  'an acceptance that %s leaves its pack, or not, as it must',
  async (_what, code, status, packs) => {
    await using own = await ApiUnderTest.start()
    const { path } = await own.run()
    Object.assign(own.catalog.api.uploads, {
      accept: () => Promise.reject(new LadingError(code, 'so it was')),
    })
    const response = await own.fetch(`${path}/artifacts/p.txt`, { method: 'PUT', body: 'p' })
    expect(response.status).toBe(status)
    expect(await own.packs()).toHaveLength(packs)
  },
)
