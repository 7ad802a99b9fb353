import { isScope, newId, type Scope, type TenantId } from '@lading/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { Issuer } from './fixtures/issuer.ts'
import { at, mount } from './route.ts'
import { createRoutes } from './server.ts'

/** What a request to each operation carries, and what its owner gets. A new operation has to be added here. */
const REQUESTS: Readonly<Record<string, { right: number; init?: RequestInit; wrong?: 'own' }>> = {
  createExperiment: { right: 201, init: json({ name: newId() }), wrong: 'own' },
  listExperiments: { right: 200, wrong: 'own' },
  getExperiment: { right: 200 },
  deleteExperiment: { right: 204 },
  restoreExperiment: { right: 200 },
  createRun: { right: 201, init: json({}) },
  listRuns: { right: 200 },
  getRun: { right: 200 },
  updateRun: { right: 200, init: json({ status: 'FINISHED' }) },
  logArtifact: { right: 202, init: form() },
  logArtifacts: { right: 202, init: form() },
  openJob: { right: 201, init: json({}) },
  planUpload: { right: 200, init: json({ files: [{ path: 'b', size: 1, sha256: '0'.repeat(64) }] }) },
  createResumable: {
    right: 201,
    init: { headers: { 'upload-length': '4', 'upload-metadata': 'path YQ==' } },
  },
  headResumable: { right: 200 },
  patchResumable: {
    right: 204,
    init: {
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
      body: 'ab',
    },
  },
  deleteResumable: { right: 204 },
  listArtifacts: { right: 200 },
  putArtifact: { right: 202, init: { body: 'new' } },
  getArtifact: { right: 200 },
  headArtifact: { right: 200 },
  deleteArtifact: { right: 204 },
  listJobs: { right: 200, wrong: 'own' },
  getJob: { right: 200 },
  listJobFiles: { right: 200 },
  watchJob: { right: 200 },
  sealJob: { right: 200, init: json({}) },
  cancelJob: { right: 202 },
  retryJob: { right: 409 },
}

const OWNER = 'acme' as TenantId
const STRANGER = 'globex' as TenantId

let server: ApiUnderTest
let issuer: Issuer
/** Of the owner, for what has to be there. */
let ownKey: string

beforeAll(async () => {
  issuer = await Issuer.start()
  server = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: issuer.rules() } })
  ownKey = await keyOf(OWNER, ['admin'])
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

/** All that a request may show of whom it speaks for. */
const SHOWN = {
  'a key': keyOf,
  'a token of the issuer': (tenant: TenantId, scopes: readonly Scope[]) =>
    issuer.token({ tenant, scope: [...scopes] }),
}

const routes = createRoutes({ config: { limits: {} } } as never)
const guarded = routes.filter(({ operation }) => isScope(operation.permission))

describe.each(guarded.map((route) => ({ ...route, name: `${route.method} ${route.path}` })))(
  '$name',
  ({ method, path, operation }) => {
    const row = REQUESTS[operation.id]
    const ask = (address: string, headers: Record<string, string>) =>
      server.fetch(address, {
        method,
        signal: AbortSignal.timeout(20_000),
        ...row?.init,
        headers: { 'tus-resumable': '1.0.0', ...(row?.init?.headers as object), ...headers },
      })

    test.each(Object.entries(SHOWN))('by %s, lets nobody but its tenant, with the scope, at what is there', async (_, show) => {
      if (row === undefined) throw new Error(`${operation.id} has no row in REQUESTS`)
      const place = await placeOf(OWNER)
      const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(place[name]))

      const nobody = await ask(address, {})
      expect(nobody.status).toBe(401)
      expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="lading"')

      const other: Scope = operation.permission === 'read' ? 'write' : 'read'
      const owns = bearer(await show(OWNER, ['admin']))
      expect((await ask(address, bearer(await show(OWNER, [other])))).status).toBe(403)
      expect((await ask(address, { ...owns, 'x-tenant-id': STRANGER })).status).toBe(403)

      const stranger = await ask(address, bearer(await show(STRANGER, ['admin'])))
      if (row.wrong === 'own') {
        expect(stranger.status).toBeLessThan(300)
        const said = await stranger.text()
        for (const name of ['experiment_id', 'run_id', 'job_id']) expect(said).not.toContain(place[name])
      } else expect(stranger.status).toBe(404)

      const owner = await ask(address, owns)
      expect(owner.status, await saidBy(owner, row.right)).toBe(row.right)
    })
  },
)

test('a key that is mistyped, expired or revoked is as none', async () => {
  const { keys: all } = server.catalog.api
  const expired = await all.create(OWNER, { name: 'old', scopes: ['read'], expiresAt: new Date(0) })
  const revoked = await all.create(OWNER, { name: 'leaked', scopes: ['read'], expiresAt: undefined })
  await all.revoke(revoked.row.keyId)
  for (const key of [expired.key, revoked.key, `${ownKey.slice(0, -1)}x`, 'eyJhbGciOiJub25lIn0.e30.']) {
    const response = await server.fetch('/api/v1/jobs', { headers: bearer(key) })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"')
  }
})

test('of a key, the database keeps what finds it and not what uses it', async () => {
  const rows = await server.catalog.api.keys.list(OWNER)
  expect(rows.length).toBeGreaterThan(0)
  expect(JSON.stringify(rows)).not.toContain(ownKey)
  expect(rows.some(({ prefix }) => ownKey.startsWith(prefix))).toBe(true)
})

test('a route that declares no permission stops the start', () => {
  const [route] = routes
  if (route === undefined) throw new Error('there are no routes')
  const undeclared = at('GET', '/new', { ...route.operation, permission: undefined as never })
  expect(() => mount({} as never, [undeclared], {} as never)).toThrow(
    'GET /new: its operation declares no permission',
  )
})

/** An id of each kind that addresses name: a run with an artifact, an open job and an unfinished upload. */
async function placeOf(tenant: TenantId): Promise<Record<string, string>> {
  const { experiments, runs, jobs } = server.catalog.api
  const { experimentId } = await experiments.create(tenant, { name: newId(), location: undefined })
  const run = await runs.create(tenant, { experimentId, name: undefined })
  const base = `/api/v1/experiments/runs/${run.runId}`
  const headers = bearer(ownKey)
  await server.json(`${base}/artifacts/a.txt`, { method: 'PUT', headers, body: 'hello' })
  await server.deliver()
  const job = await jobs.open(run, {
    atomic: false,
    directory: '',
    shards: undefined,
    expectedFiles: undefined,
    deadline: undefined,
  })
  const upload = await server.fetch(`${base}/resumable`, {
    method: 'POST',
    headers: {
      ...headers,
      'tus-resumable': '1.0.0',
      'upload-length': '4',
      'upload-metadata': 'path Yi50eHQ=',
    },
  })
  return {
    experiment_id: experimentId,
    run_id: run.runId,
    job_id: job.jobId,
    upload_id: String(upload.headers.get('location')).split('/').at(-1) ?? '',
    path: 'a.txt',
  }
}

async function keyOf(tenant: TenantId, scopes: readonly Scope[]): Promise<string> {
  return (await server.catalog.api.keys.create(tenant, { name: 'test', scopes, expiresAt: undefined })).key
}

/** An answer that goes on, such as a stream of events, is not waited for. */
async function saidBy(response: Response, right: number): Promise<string> {
  if (response.status !== right) return await response.text()
  await response.body?.cancel()
  return ''
}

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` }
}

function json(body: unknown): RequestInit {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function form(): RequestInit {
  const boundary = 'edge'
  const body = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="b.txt"\r\n\r\nhi\r\n--${boundary}--\r\n`
  return { headers: { 'content-type': `multipart/form-data; boundary=${boundary}` }, body }
}
