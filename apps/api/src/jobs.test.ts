import { newId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'

let server: ApiUnderTest

beforeAll(async () => {
  server = await ApiUnderTest.start({ limits: { heartbeatMs: 50 } })
})

afterAll(() => server[Symbol.asyncDispose]())

/** Accepts a file; the job's id and address. */
async function accept(path: string, name: string, headers: Record<string, string> = {}) {
  const receipt = await server.json(`${path}/artifacts/${name}`, { method: 'PUT', body: name, headers })
  return { jobId: String(receipt.job_id), url: String(receipt.status_url) }
}

test('a job is told in full, and its files with their states', async () => {
  const { path, runId } = await server.run()
  const { url, jobId } = await accept(path, 'a.txt')
  expect(await server.json(url)).toMatchObject({
    job_id: jobId,
    run_id: runId,
    state: 'queued',
    files: { total: 1, done: 0, stored: 0, failed: 0, superseded: 0, cancelled: 0 },
    bytes: { total: 5, done: 0 },
    started_at: null,
    ended_at: null,
    files_url: `${url}/files`,
  })
  await server.deliver()
  expect(await server.json(url)).toMatchObject({ state: 'completed', files: { done: 1, stored: 1 } })
  expect(await server.json(`${url}/files?state=stored`)).toMatchObject({
    files: [{ path: 'a.txt', size: 5, state: 'stored' }],
    next_cursor: null,
  })
  expect(await server.json(`${url}/files?state=failed`)).toMatchObject({ files: [] })
})

test('a long poll answers as soon as the job has ended', async () => {
  const { path } = await server.run()
  const { url } = await accept(path, 'long.txt')
  let answered = false
  const poll = server.json(`${url}?wait=60`).finally(() => {
    answered = true
  })
  await until(() => server.deliver().then(() => answered), { within: 30_000 })
  expect(await poll).toMatchObject({ state: 'completed' })
})

test('jobs are listed by run and state, page by page, and asked for by id', async () => {
  const { path, runId } = await server.run()
  const ids: string[] = []
  for (const name of ['1', '2', '3']) ids.push((await accept(path, name)).jobId)
  const first = await server.json(`/api/v1/jobs?run_id=${runId}&state=queued&limit=2`)
  const second = await server.json(`/api/v1/jobs?run_id=${runId}&limit=2&cursor=${String(first.next_cursor)}`)
  const listed = [first, second].flatMap((page) => page.jobs as { job_id: string }[]).map((job) => job.job_id)
  expect(listed).toEqual(ids.toReversed())
  const many = await server.json(`/api/v1/jobs?ids=${ids[2]},${newId()},nonsense,${ids[0]}`)
  expect((many.jobs as { job_id: string }[]).map((job) => job.job_id)).toEqual([ids[2], ids[0]])
})

test('a queued job is cancelled, and one that has ended is not', async () => {
  const { path } = await server.run()
  const { url } = await accept(path, 'c.txt')
  const cancelled = await server.fetch(`${url}/cancel`, { method: 'POST' })
  expect([cancelled.status, await cancelled.json()]).toMatchObject([202, { state: 'cancelled' }])
  const { url: done } = await accept(path, 'd.txt')
  await server.deliver()
  const again = await server.fetch(`${done}/cancel`, { method: 'POST', body: '{}' })
  expect([again.status, await again.json()]).toMatchObject([409, { code: 'job_state_conflict' }])
  const retried = await server.fetch(`${done}/retry`, { method: 'POST' })
  expect([retried.status, await retried.json()]).toMatchObject([409, { code: 'job_state_conflict' }])
})

test("another tenant's job is as if it were not there", async () => {
  const { path } = await server.run('theirs')
  const { url, jobId } = await accept(path, 't.txt', { 'x-tenant-id': 'theirs' })
  for (const [method, address] of [
    ['GET', url],
    ['GET', `${url}/files`],
    ['GET', `${url}/events`],
    ['POST', `${url}/cancel`],
    ['POST', `${url}/retry`],
  ] as const) {
    const response = await server.fetch(address, { method })
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'job_not_found' }])
  }
  expect(await server.json(`/api/v1/jobs?ids=${jobId}`)).toMatchObject({ jobs: [] })
})

test('events tell a job at once, keep the connection open, and end when it has ended', async () => {
  const { path } = await server.run()
  const { url } = await accept(path, 'sse.txt')
  const response = await server.fetch(`${url}/events`, { headers: { 'last-event-id': '7' } })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  let ended = false
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? [])
      text += decoder.decode(chunk as Uint8Array, { stream: true })
    ended = true
  })()
  await until(() => text.includes('event: job') && text.includes(': still here'), { within: 30_000 })
  expect(text).toContain('"state":"queued"')
  await until(() => server.deliver().then(() => ended), { within: 30_000 })
  await reading
  expect(text.trimEnd().split('\n').at(-1)).toContain('"state":"completed"')
  expect(text).toMatch(/^id: 1\nevent: job\ndata: \{.*\}\n\n/)
})
