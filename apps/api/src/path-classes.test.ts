import { newId } from '@lading/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { request } from './fixtures/form.ts'
import { CARRIERS, type PathCarrier } from './fixtures/path-carriers.ts'
import { KEPT, REFUSED } from './fixtures/path-classes.ts'
import { type RawAnswer, RawConnection } from './fixtures/raw-connection.ts'
import { createRoutes } from './server.ts'

let server: ApiUnderTest
let root: string
/** The connection that requests go through, until an answer closes it. */
let kept: RawConnection | undefined
/** A run with an open job, in which nothing is accepted. */
let empty: Place

interface Place {
  readonly run: string
  readonly job: string
}

beforeAll(async () => {
  server = await ApiUnderTest.start({ anyLocation: true })
  empty = await place()
  root = `${server.store.rootUri}artifacts/`
})

afterAll(async () => {
  kept?.[Symbol.dispose]()
  await server[Symbol.asyncDispose]()
})

describe.each(CARRIERS)('$what', (carrier) => {
  test('refuses every class of bad paths, and nothing is left', async () => {
    const before = await server.kept()
    const said: Record<string, unknown> = {}
    for (const { what, text } of REFUSED) {
      if (carrier.passes?.test(text)) continue
      const { status, code } = await ask(carrier, text, empty)
      if (status !== 400 && status !== 422 && status !== 431) said[`${what}: ${text}`] = status
      else if (code !== undefined && !carrier.codes.includes(code)) said[`${what}: ${text}`] = code
    }
    expect(said).toEqual({})
    expect(await server.kept()).toEqual(before)
  })

  test('takes names that only resemble them, as they are', async () => {
    const said: Record<string, unknown> = {}
    const fresh = await place()
    for (const { text } of KEPT) {
      if (carrier.passes?.test(text)) continue
      const { status, body } = await ask(carrier, text, fresh)
      const wanted = carrier.refuses?.test(text) ? 400 : carrier.kept
      if (status !== wanted) said[text] = `${status} ${body}`
      if (status === 202) expect((JSON.parse(body) as { artifact: string }).artifact).toContain(text)
    }
    expect(said).toEqual({})
  })
})

/** Of a name that elsewhere holds a path: what is read of it here is a digest. */
const NO_CARRIERS = ['patchResumable Upload-Metadata']

test('every field of every route that is given a path is among the carriers', () => {
  const named = new Set([...NO_CARRIERS, ...CARRIERS.map(({ operation, field }) => `${operation} ${field}`)])
  const fields = createRoutes({ config: { limits: {} } } as never).flatMap(({ path, operation }) => {
    const { id, params, query, headers, body } = operation
    const schemas = [params, query, headers, body?.kind === 'json' ? body.schema : undefined]
    const forms = body?.kind === 'stream' ? Object.entries(body.content.content) : []
    return [
      ...(path.endsWith('{path}') ? ['{path}'] : []),
      ...schemas
        .flatMap((schema) => (schema === undefined ? [] : namesIn(schema)))
        .filter((name) => name !== '{path}'),
      ...forms.flatMap(([, media]) => (media?.schema instanceof z.ZodType ? namesIn(media.schema) : [])),
    ].map((field) => `${id} ${field}`)
  })
  const paths = fields.filter((name) =>
    / (\{path\}|path|file|manifest|artifact_path|.*location|Upload-Metadata)$/.test(name),
  )
  expect([...new Set(paths)].filter((name) => !named.has(name) && !/Artifact path$/.test(name))).toEqual([])
  expect(paths.length).toBeGreaterThan(10)
})

/** Names of all properties of a schema, at any depth. */
function namesIn(schema: z.ZodType): string[] {
  const names: string[] = []
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  JSON.parse(text, (_key, value: { properties?: object } | null) => {
    if (value?.properties !== undefined) names.push(...Object.keys(value.properties))
    return value
  })
  return names
}

/** MLflow serves the same handlers at several addresses, of which not all checked what they were given. */
test.each([
  ['API/v1/experiments/runs/{id}/artifacts/a'],
  ['/api/v1/experiments/runs/{id}/artifacts/a'],
  ['./api/v1/experiments/runs/{id}/artifacts/a'],
  ['x/../api/v1/experiments/runs/{id}/artifacts/a'],
  ['x/%2e%2e/api/v1/experiments/runs/{id}/artifacts/a'],
  ['api;x/v1/experiments/runs/{id}/artifacts/a'],
  ['api/v1;x=y/experiments/runs/{id}/artifacts/a'],
  ['api/v1/experiments/runs/{id};x/artifacts/a'],
  ['api/v1/experiments/runs/{id}./artifacts/a'],
  ['api/v1/experiments/runs/{id}%2f/artifacts/a'],
  ['api/v1/experiments/runs/x%2f..%2f{id}/artifacts/a'],
  ['api/v1/experiments/runs/{id}/artifacts/../artifacts/a'],
  ['api/v1/experiments/runs/{id}/%61rtifacts/a'],
  ['api\\v1\\experiments\\runs\\{id}\\artifacts\\a'],
  ['ajax-api/2.0/mlflow-artifacts/artifacts/a'],
  ['api/2.0/mlflow-artifacts/artifacts/../../a'],
  ['get-artifact?path=../../etc/passwd&run_uuid={id}'],
  ['model-versions/get-artifact?path=/etc/passwd&name=a&version=1'],
  ['docs/../../package.json'],
  ['docs/..%2f..%2fpackage.json'],
  ['docs/%2e%2e/%2e%2e/package.json'],
  ['docs//etc/passwd'],
])('/%s is no second address of anything', async (address) => {
  const { run } = await place()
  await server.json(`${run}/artifacts/a`, { method: 'PUT', body: 'x' })
  await server.deliver()
  using connection = await RawConnection.open(server.port)
  const target = address.replace('{id}', run.split('/').at(-1) ?? '')
  const { status } = await connection.send(request(`GET /${target}`, [])).answer()
  expect([400, 404]).toContain(status)
})

test('an artifact keeps one name from the request to its key, whichever way it is spelled', async () => {
  const { path } = await server.run()
  const text = '...a/100%/модель 模型&=+.bin'
  await server.json(`${path}/artifacts/${encodeURIComponent(text)}`, { method: 'PUT', body: 'x' })
  await server.deliver()
  const list = await server.json(`${path}/artifacts?recursive=true`)
  expect(list.artifacts).toMatchObject([
    { path: text, uri: expect.stringMatching(/\/artifacts\/\.\.\.a\/100%25\/[^/]*\.bin$/) },
  ])
  const segments = text.split('/').map(encodeURIComponent).join('/')
  for (const spelled of [encodeURIComponent(text), segments]) {
    expect((await server.fetch(`${path}/artifacts/${spelled}`)).status).toBe(200)
  }
})

async function ask(
  carrier: PathCarrier,
  text: string,
  { run, job }: Place,
): Promise<{ status: number; code: string | undefined; body: string }> {
  kept ??= await RawConnection.open(server.port)
  const { status, body, headers }: RawAnswer = await kept
    .send(filled(carrier.request(text), { run, job, root, name: newId() }))
    .answer(carrier.operation === 'headArtifact')
  if (headers.connection === 'close') kept = void kept[Symbol.dispose]()
  const isProblem = headers['content-type'] === 'application/problem+json' && body !== ''
  return { status, body, code: isProblem ? (JSON.parse(body) as { code: string }).code : undefined }
}

/** Content-Length is that of the bytes that are sent, and not of the placeholders in them. */
function filled(bytes: string, places: Readonly<Record<string, string>>): string {
  const whole = bytes.replaceAll(/\{(run|job|root|name)\}/g, (_, place: string) => places[place] ?? '')
  const body = whole.slice(whole.indexOf('\r\n\r\n') + 4)
  return whole.replace(/Content-Length: \d+/, `Content-Length: ${body.length}`)
}

async function place(): Promise<Place> {
  const { path: run } = await server.run()
  return { run, job: String((await server.json(`${run}/uploads`, jsonPost({}))).job_id) }
}

function jsonPost(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
