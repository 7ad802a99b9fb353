import { createHash } from 'node:crypto'
import { newId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { rawTar } from './fixtures/raw-archives.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

let server: ApiUnderTest

beforeAll(async () => {
  server = await ApiUnderTest.start()
})

afterAll(() => server[Symbol.asyncDispose]())

type Json = Record<string, unknown>
type Headers = Record<string, string>

async function send(path: string, body: unknown, headers: Headers = {}): Promise<[number, Json]> {
  const json = { 'content-type': 'application/json', ...headers }
  const response = await server.fetch(path, { method: 'POST', headers: json, body: JSON.stringify(body) })
  return [response.status, (await response.json()) as Json]
}

async function open(run: string, job: unknown, headers: Headers = {}): Promise<Json> {
  const [status, opened] = await send(`${run}/uploads`, job, headers)
  expect([status, opened]).toMatchObject([201, { state: 'open' }])
  return opened
}

function seal(job: Json, body: unknown = {}): Promise<[number, Json]> {
  return send(`/api/v1/jobs/${job.job_id}/seal`, body)
}

async function put(run: string, path: string, job: Json, body = path): Promise<[number, Json]> {
  const response = await server.fetch(`${run}/artifacts/${path}?job_id=${job.job_id}`, {
    method: 'PUT',
    body,
  })
  return [response.status, (await response.json()) as Json]
}

async function paths(run: string): Promise<string[]> {
  const { artifacts } = await server.json(`${run}/artifacts?recursive=true&limit=1000`)
  return (artifacts as { path: string }[]).map(({ path }) => path)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

test('an open job says what it is, and takes files by form, as bodies and in archives, in its directory', async () => {
  const { path: run, runId } = await server.run()
  const deadline = new Date(Date.now() + 3_600_000).toISOString()
  const job = await open(run, { artifact_path: 'step-1/', deadline, atomic: false })
  expect(job).toMatchObject({
    run_id: runId,
    kind: 'upload',
    atomic: false,
    artifact_path: 'step-1',
    shards: null,
    deadline,
    sealed_at: null,
  })
  const form = new FormData()
  form.append('file', new Blob(['by form']), 'form.txt')
  form.append('artifact_path', 'deep')
  const query = `job_id=${job.job_id}`
  const byForm = await server.fetch(`${run}/log-artifact?${query}`, { method: 'POST', body: form })
  expect([byForm.status, await byForm.json()]).toMatchObject([
    202,
    { artifact: 'step-1/deep/form.txt', job_id: job.job_id, state: 'open' },
  ])
  expect(await put(run, 'raw.txt', job)).toMatchObject([202, { artifact: 'step-1/raw.txt' }])
  const tar = rawTar({ name: 'a', bytes: Buffer.from('a') }, { name: 'empty/', type: '5' })
  const byTar = await server.fetch(`${run}/log-artifacts?${query}&artifact_path=tar`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-tar', prefer: 'wait=30' },
    body: new Uint8Array(tar),
  })
  expect([byTar.status, await byTar.json()]).toMatchObject([
    202,
    { artifacts: ['step-1/tar/a', 'step-1/tar/empty/'], files: 2, bytes: 1 },
  ])
  await server.deliver()
  expect(await paths(run)).toEqual([
    'step-1/deep/form.txt',
    'step-1/raw.txt',
    'step-1/tar/a',
    'step-1/tar/empty',
  ])
  expect(await seal(job, { files: 3 })).toMatchObject([
    200,
    { state: 'completed', sealed_at: expect.any(String), files: { total: 4 } },
  ])
  expect(await seal(job)).toMatchObject([200, { state: 'completed' }])
})

test('sixteen clients add at once, one is killed, and all that was accepted is shown at one instant', async () => {
  const { path: run } = await server.run()
  const job = await open(run, { artifact_path: 'ranks' })
  using killed = await RawConnection.open(server.port)
  const target = `${run}/artifacts/rank-killed?job_id=${job.job_id}`
  killed.send(`PUT ${target} HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(5000)}`)
  const ranks = Array.from({ length: 16 }, (_, rank) => rank)
  const answers = await Promise.all(
    ranks.flatMap((rank) => [0, 1, 2, 3].map((part) => put(run, `rank-${rank}/${part}`, job))),
  )
  killed.reset()
  expect(new Set(answers.map(([status]) => status))).toEqual(new Set([202]))
  await server.deliver()
  expect(await paths(run)).toEqual([])
  expect(await seal(job, { files: 64 })).toMatchObject([200, { state: 'completed' }])
  expect(await paths(run)).toHaveLength(64)
})

test('ranks that open by the same key get the same job, and another one only for the same request', async () => {
  const { path: run } = await server.run()
  const key = { 'idempotency-key': `step-${newId()}` }
  const wish = { artifact_path: 'step', shards: 64, deadline_seconds: 600 }
  const jobs = await Promise.all(Array.from({ length: 16 }, () => open(run, wish, key)))
  expect(new Set(jobs.map((job) => job.job_id)).size).toBe(1)
  const other = await send(`${run}/uploads`, { ...wish, shards: 63 }, key)
  expect(other).toMatchObject([422, { code: 'idempotency_key_reused' }])
  const { path: otherRun } = await server.run()
  const elsewhere = await send(`${otherRun}/uploads`, wish, key)
  expect(elsewhere).toMatchObject([422, { code: 'idempotency_key_reused' }])
  expect((await open(run, wish)).job_id).not.toBe(jobs[0]?.job_id)
})

test('a job with shards is sealed when each of them is', async () => {
  const { path: run } = await server.run()
  const job = await open(run, { shards: 2 })
  await put(run, 'zero', job)
  expect(await seal(job, { shard: 0 })).toMatchObject([200, { state: 'open', shards: 2 }])
  expect(await seal(job, {})).toMatchObject([400, { code: 'validation_failed' }])
  expect(await seal(job, { shard: 2 })).toMatchObject([400, { code: 'validation_failed' }])
  expect(await put(run, 'one', job)).toMatchObject([202, {}])
  expect(await seal(job, { shard: 1 })).toMatchObject([200, { state: 'queued' }])
  expect(await put(run, 'late', job)).toMatchObject([409, { code: 'job_state_conflict' }])
})

test('a job whose files are not those that were said stays open, and can still be completed', async () => {
  const { path: run } = await server.run()
  const job = await open(run, { artifact_path: 'm', expected_files: 2 })
  await put(run, 'a', job)
  expect(await seal(job)).toMatchObject([422, { code: 'manifest_mismatch' }])
  await put(run, 'b', job)
  expect(await seal(job, { manifest_sha256: sha256('other') })).toMatchObject([
    422,
    { code: 'manifest_mismatch' },
  ])
  const line = (path: string) => `m/${path}\t${path.length}\t${sha256(path)}\n`
  const manifest_sha256 = sha256(line('a') + line('b')).toUpperCase()
  expect(await seal(job, { manifest_sha256, files: 2 })).toMatchObject([200, { state: 'queued' }])
})

test('a plan names what neither the job nor the run has, by the paths that were asked for', async () => {
  const { path: run } = await server.run()
  await server.fetch(`${run}/artifacts/p/in-run`, { method: 'PUT', body: 'in-run' })
  await server.fetch(`${run}/artifacts/p/changed`, { method: 'PUT', body: 'before' })
  await server.deliver()
  const job = await open(run, { artifact_path: 'p' })
  await put(run, 'in-job', job)
  const file = (path: string) => ({ path, size: path.length, sha256: sha256(path) })
  const files = ['missing', 'in-run', 'changed', 'in-job'].map(file)
  const plan = (body: unknown) => send(`${run}/uploads/${job.job_id}/plan`, body)
  expect(await plan({ files })).toEqual([200, { needed: ['missing', 'changed'], held: 2, copied: 0 }])
  const page = Array.from({ length: 10_000 }, (_, index) => file(`${'long/'.repeat(20)}${index}`))
  const [status, { needed, held }] = await plan({ files: page })
  expect([status, (needed as string[]).length, held]).toEqual([200, 10_000, 0])
  expect(await plan({ files: [...page, file('one-more')] })).toMatchObject([
    400,
    { code: 'validation_failed' },
  ])
  expect(await plan({ files: [{ ...file('x'), path: '../x' }] })).toMatchObject([
    400,
    { code: 'path_invalid' },
  ])
  expect(await plan({ files: [file('x'), file('x')] })).toMatchObject([409, { code: 'path_duplicate' }])
  const { path: other } = await server.run()
  const elsewhere = await send(`${other}/uploads/${job.job_id}/plan`, { files })
  expect(elsewhere).toMatchObject([404, { code: 'job_not_found' }])
})

test('a plan adds to the open job what the tenant has elsewhere, unless the client wants to send it', async () => {
  const { path: earlier } = await server.run()
  await server.fetch(`${earlier}/artifacts/model`, { method: 'PUT', body: 'the model' })
  await server.deliver()
  const { path: run } = await server.run()
  const job = await open(run, { artifact_path: 'p' })
  const asked = [{ path: 'copy', size: 9, sha256: sha256('the model') }]
  const plan = (body: unknown) => send(`${run}/uploads/${job.job_id}/plan`, body)
  expect(await plan({ files: asked, copy: false })).toEqual([200, { needed: ['copy'], held: 0, copied: 0 }])
  expect(await plan({ files: asked })).toEqual([200, { needed: [], held: 0, copied: 1 }])
  expect(await plan({ files: asked })).toEqual([200, { needed: [], held: 1, copied: 0 }])
  const below = [{ path: 'copy/below', size: 9, sha256: sha256('the model') }]
  expect(await plan({ files: below })).toMatchObject([409, { code: 'path_conflict' }])
  const files = await server.fetch(`/api/v1/jobs/${job.job_id}/files`)
  expect(await files.json()).toMatchObject({ files: [{ path: 'p/copy', size: 9, state: 'spooled' }] })
})

test.each([
  ['a shard count of none', { shards: 0 }, 'validation_failed'],
  ['a deadline that has passed', { deadline: '2020-01-01T00:00:00Z' }, 'validation_failed'],
  ['two deadlines', { deadline: '2999-01-01T00:00:00Z', deadline_seconds: 5 }, 'validation_failed'],
  ['a directory that climbs out', { artifact_path: '../x' }, 'path_invalid'],
  ['an unknown field', { direktory: 'x' }, 'validation_failed'],
] as const)('a job with %s is not opened', async (_what, job, code) => {
  const { path: run } = await server.run()
  expect(await send(`${run}/uploads`, job)).toMatchObject([400, { code }])
})

test('what is not an open job of the run and tenant takes no file, and the body is not asked for', async () => {
  const { path: run } = await server.run()
  const { path: other } = await server.run()
  const job = await open(run, {})
  const sealed = await open(run, {})
  await seal(sealed)
  const packs = await server.packs()
  const refusal = async (path: string, id: unknown, headers: readonly string[] = []) => {
    using connection = await RawConnection.open(server.port)
    const lines = ['Host: t', 'Expect: 100-continue', 'Content-Length: 1000000', ...headers]
    connection.send(`PUT ${path}/artifacts/x?job_id=${id} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    const { status, body } = await connection.answer()
    return [status, (JSON.parse(body) as Json).code]
  }
  expect(await refusal(other, job.job_id)).toEqual([404, 'job_not_found'])
  expect(await refusal(run, newId())).toEqual([404, 'job_not_found'])
  expect(await refusal(run, 'no-id')).toEqual([404, 'job_not_found'])
  expect(await refusal(run, job.job_id, ['X-Tenant-ID: other'])).toEqual([404, 'run_not_found'])
  expect(await refusal(run, sealed.job_id)).toEqual([409, 'job_state_conflict'])
  expect(await server.packs()).toEqual(packs)
  expect((await seal({ job_id: newId() }))[0]).toBe(404)
  expect((await send(`/api/v1/jobs/${job.job_id}/seal`, {}, { 'x-tenant-id': 'other' }))[0]).toBe(404)
  const atomic = await server.fetch(`${run}/log-artifact?job_id=${job.job_id}&atomic=true`, {
    method: 'POST',
    body: new FormData(),
  })
  expect([atomic.status, await atomic.json()]).toMatchObject([400, { code: 'validation_failed' }])
})

test('an upload into an open job is answered again when it is repeated after the seal', async () => {
  const { path: run } = await server.run()
  const job = await open(run, {})
  const again = async (key: string, body = 'kept') => {
    const target = `${run}/artifacts/kept?job_id=${job.job_id}`
    return await server.fetch(target, { method: 'PUT', body, headers: { 'idempotency-key': key } })
  }
  expect((await again('k1')).status).toBe(202)
  await seal(job)
  const repeated = await again('k1')
  expect([repeated.status, repeated.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
  const packs = await server.packs()
  const late = await again('k2')
  expect([late.status, await late.json()]).toMatchObject([409, { code: 'job_state_conflict' }])
  await until(async () => (await server.packs()).length === packs.length, { within: 10_000 })
})
