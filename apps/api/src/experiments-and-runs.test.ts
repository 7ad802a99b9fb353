import { newId, parseArtifactLocation, type TenantId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'

let server: ApiUnderTest

const S3 = { scheme: 's3' } as const

beforeAll(async () => {
  server = await ApiUnderTest.start({
    config: {
      locations: {
        scheme: S3,
        roots: [
          { tenant: undefined, location: parseArtifactLocation('s3://everyone/', S3) },
          { tenant: 'acme' as TenantId, location: parseArtifactLocation('s3://private/acme/', S3) },
        ],
        tenantPrefix: false,
      },
    },
  })
})

afterAll(() => server[Symbol.asyncDispose]())

function send(method: string, path: string, body: object = {}, tenant = 'acme'): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'x-tenant-id': tenant }
  return server.fetch(path, { method, headers, body: JSON.stringify(body) })
}

async function sent(method: string, path: string, body: object = {}): Promise<Record<string, unknown>> {
  const response = await send(method, path, body)
  expect(response.ok).toBe(true)
  return (await response.json()) as Record<string, unknown>
}

function ask(path: string): Promise<Record<string, unknown>> {
  return server.json(path, { headers: { 'x-tenant-id': 'acme' } })
}

test('an experiment is created, found by id and by name, deleted and restored', async () => {
  const name = `Эксперимент ${newId()}`
  const response = await send('POST', '/api/v1/experiments', { name })
  const experiment = (await response.json()) as Record<string, string>
  const url = `/api/v1/experiments/${experiment.experiment_id}`
  expect([response.status, response.headers.get('location')]).toEqual([201, url])
  expect(experiment).toMatchObject({ name, deleted_at: null })
  expect(experiment.artifact_location).toMatch(
    new RegExp(`/artifacts/experiments/${experiment.experiment_id}/$`),
  )
  expect(await ask(url)).toEqual(experiment)
  const byName = `/api/v1/experiments?name=${encodeURIComponent(name)}`
  expect(await ask(byName)).toMatchObject({ experiments: [experiment], next_cursor: null })

  const twice = await send('POST', '/api/v1/experiments', { name })
  expect([twice.status, await twice.json()]).toMatchObject([409, { code: 'experiment_exists' }])

  expect((await send('DELETE', url)).status).toBe(204)
  expect(await ask(byName)).toMatchObject({ experiments: [] })
  expect(await ask(`${byName}&deleted=true`)).toMatchObject({ experiments: [{ name }] })
  const refused = await send('POST', `${url}/runs`)
  expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'experiment_deleted' }])

  expect(await sent('POST', `${url}/restore`)).toMatchObject({ name, deleted_at: null })
  expect((await send('POST', `${url}/runs`)).status).toBe(201)
})

test('experiments and runs are listed page by page', async () => {
  const { experiment_id: id } = await sent('POST', '/api/v1/experiments', { name: `list ${newId()}` })
  const runs: unknown[] = []
  for (const name of ['one', 'two', 'three'])
    runs.push(await sent('POST', `/api/v1/experiments/${id}/runs`, { name }))
  const first = await ask(`/api/v1/experiments/${id}/runs?limit=2`)
  const second = await ask(`/api/v1/experiments/${id}/runs?limit=2&cursor=${String(first.next_cursor)}`)
  expect([...(first.runs as unknown[]), ...(second.runs as unknown[])]).toEqual(runs)
  expect(second.next_cursor).toBeNull()
  expect(((await ask('/api/v1/experiments?limit=1')).experiments as unknown[]).length).toBe(1)
})

test('a run is followed to its end', async () => {
  const { experiment_id: id } = await sent('POST', '/api/v1/experiments', { name: `end ${newId()}` })
  const run = await sent('POST', `/api/v1/experiments/${id}/runs`)
  expect(run).toMatchObject({ experiment_id: id, status: 'RUNNING', ended_at: null })
  expect(run.artifact_uri).toMatch(new RegExp(`/experiments/${id}/runs/${run.run_id}/artifacts/$`))
  const url = `/api/v1/experiments/runs/${run.run_id}`
  const change = { status: 'FINISHED', ended_at: '2026-01-31T10:30:00+01:00', name: 'renamed' }
  expect(await sent('PATCH', url, change)).toMatchObject({
    status: 'FINISHED',
    ended_at: '2026-01-31T09:30:00.000Z',
    name: 'renamed',
  })
  expect(await ask(url)).toMatchObject({ name: 'renamed' })
  for (const wrong of [{}, { status: 'DONE' }, { ended_at: 'yesterday' }, { colour: 'red' }]) {
    const response = await send('PATCH', url, wrong)
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'validation_failed' }])
  }
})

test.each([
  ['s3://everyone/team/', 'acme', 201, undefined],
  ['s3://private/acme/x/', 'acme', 201, undefined],
  ['s3://private/acme/x/', 'other', 403, 'location_forbidden'],
  ['s3://private/acme-evil/', 'acme', 403, 'location_forbidden'],
  ['s3://elsewhere/', 'acme', 403, 'location_forbidden'],
  ['s3://everyone/../private/', 'acme', 400, 'location_invalid'],
  ['https://everyone/', 'acme', 400, 'location_invalid'],
])('the artifact location %s of %s is answered with %i', async (artifact_location, tenant, status, code) => {
  const response = await send('POST', '/api/v1/experiments', { name: newId(), artifact_location }, tenant)
  expect([response.status, ((await response.json()) as { code?: string }).code]).toEqual([status, code])
})

test("another tenant's experiment and run are as if they were not there", async () => {
  const { experiment_id: id } = await sent('POST', '/api/v1/experiments', { name: `mine ${newId()}` })
  const run = await sent('POST', `/api/v1/experiments/${id}/runs`)
  const experiment = `/api/v1/experiments/${id}`
  for (const [method, path] of [
    ['DELETE', experiment],
    ['POST', `${experiment}/restore`],
    ['POST', `${experiment}/runs`],
    ['PATCH', `/api/v1/experiments/runs/${run.run_id}`],
  ] as const) {
    const body = method === 'PATCH' ? { status: 'KILLED' } : {}
    expect((await send(method, path, body, 'other')).status).toBe(404)
  }
  for (const path of [experiment, `${experiment}/runs`, `/api/v1/experiments/runs/${run.run_id}`]) {
    expect((await server.fetch(path, { headers: { 'x-tenant-id': 'other' } })).status).toBe(404)
  }
})

test('a run that is asked for again with its Idempotency-Key is the same run', async () => {
  const { experiment_id: experiment } = await sent('POST', '/api/v1/experiments', { name: newId() })
  const key = newId()
  const start = async (
    tenant = 'acme',
    idempotencyKey = key,
    path = `/api/v1/experiments/${experiment}/runs`,
  ) => {
    const headers = {
      'content-type': 'application/json',
      'x-tenant-id': tenant,
      'idempotency-key': idempotencyKey,
    }
    const response = await server.fetch(path, { method: 'POST', headers, body: '{"name": "nightly"}' })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const [one, two, three] = await Promise.all([start(), start(), start()])
  expect([one.status, two.body, three.body]).toEqual([201, one.body, one.body])
  expect((await start('acme', newId())).body.run_id).not.toBe(one.body.run_id)
  expect(await start('another')).toMatchObject({ status: 404, body: { code: 'experiment_not_found' } })
  expect(await ask(`/api/v1/experiments/${experiment}/runs`)).toMatchObject({ runs: { length: 2 } })
})
