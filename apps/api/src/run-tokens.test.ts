import { type Scope, signRunToken, type TenantId } from '@lading/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Issuer } from '../../../test/support/issuer.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import {
  addressOf,
  bearer,
  GUARDED,
  type Place,
  placeOf,
  REQUESTS,
  saidBy,
} from './fixtures/every-operation.ts'
import { jwtRules } from './fixtures/jwt-rules.ts'
import { at, mount } from './route.ts'

const TENANT = 'acme' as TenantId
const ALL: readonly Scope[] = ['read', 'write', 'delete']

let issuer: Issuer
let server: ApiUnderTest
let ownKey: string
let elsewhere: Place

beforeAll(async () => {
  issuer = await Issuer.start()
  server = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: jwtRules(issuer) } })
  ownKey = await keyOf(TENANT)
  elsewhere = await placeOf(server, TENANT, ownKey)
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

describe.each(GUARDED.map((route) => ({ ...route, name: `${route.method} ${route.path}` })))(
  'of a token of a run, $name',
  ({ method, path, operation }) => {
    const row = REQUESTS[operation.id]
    const ask = (place: Place, token: string) => {
      const byQuery = operation.runNamedBy !== undefined && !path.includes(`{${operation.runNamedBy}}`)
      const query = byQuery ? `?${operation.runNamedBy}=${place[operation.runNamedBy]}` : ''
      const init = row?.init?.()
      return server.fetch(`${addressOf(path, place)}${query}`, {
        method,
        signal: AbortSignal.timeout(20_000),
        ...init,
        headers: { 'tus-resumable': '1.0.0', ...(init?.headers as object), ...bearer(token) },
      })
    }

    test('reaches what is of the run, as long as the token and its key are valid, and nothing else', async () => {
      if (row === undefined) throw new Error(`${operation.id} has no row in REQUESTS`)
      const place = await placeOf(server, TENANT, ownKey)
      const runId = String(place.run_id)
      expect((await ask(place, await expiredOf(runId))).status).toBe(401)
      expect((await ask(place, await revokedOf(runId))).status).toBe(401)

      const token = await tokenOf(runId, ownKey)
      const outside = await ask(elsewhere, token)
      const hidden = operation.runNamedBy === 'job_id' || operation.runNamedBy === 'upload_id'
      expect(outside.status).toBe(hidden ? 404 : 403)

      const inside = await ask(place, token)
      const right = operation.runNamedBy === undefined ? 403 : row.right
      expect(inside.status, await saidBy(inside, right)).toBe(right)
    })
  },
)

test('without a scope, the token of a run is refused where its run is right', async () => {
  const { run_id } = elsewhere
  const reading = await tokenOf(String(run_id), ownKey, { scopes: ['read'] })
  const run = `/api/v1/experiments/runs/${run_id}`
  expect((await server.fetch(run, { headers: bearer(reading) })).status).toBe(200)
  const put = await server.fetch(`${run}/artifacts/x`, { method: 'PUT', headers: bearer(reading), body: 'x' })
  expect([put.status, await put.json()]).toMatchObject([403, { code: 'permission_denied' }])
})

test('jobs are listed of the run alone, and that has to be said', async () => {
  const token = await tokenOf(String(elsewhere.run_id), ownKey)
  const { jobs } = await server.json(`/api/v1/jobs?run_id=${elsewhere.run_id}`, { headers: bearer(token) })
  expect(new Set((jobs as { run_id: string }[]).map((job) => job.run_id))).toEqual(
    new Set([elsewhere.run_id]),
  )
  for (const query of ['', `?ids=${elsewhere.job_id}`]) {
    const refused = await server.fetch(`/api/v1/jobs${query}`, { headers: bearer(token) })
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { code: 'run_token_refused', detail: expect.stringContaining('give it as run_id') },
    ])
  }
})

test('no bytes of another run come by a copy, for whoever knows their digest', async () => {
  const place = await placeOf(server, TENANT, ownKey)
  const plan = {
    method: 'POST',
    body: JSON.stringify({ files: [{ path: 'b', size: 5, sha256: SHA256_OF_HELLO }] }),
  }
  const address = `/api/v1/experiments/runs/${place.run_id}/uploads/${place.job_id}/plan`
  const headers = { 'content-type': 'application/json' }
  const token = await tokenOf(String(place.run_id), ownKey)
  expect(await server.json(address, { ...plan, headers: { ...headers, ...bearer(token) } })).toEqual({
    needed: ['b'],
    held: 0,
    copied: 0,
  })
  expect(await server.json(address, { ...plan, headers: { ...headers, ...bearer(ownKey) } })).toMatchObject({
    copied: 1,
  })
})

const SHA256_OF_HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'

test('nobody gives a scope that he has not, nor admin, nor a time beyond the limits', async () => {
  const address = `/api/v1/experiments/runs/${elsewhere.run_id}/tokens`
  const ask = async (body: object, shown: string) => {
    const headers = { 'content-type': 'application/json', ...bearer(shown) }
    return await server.fetch(address, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  const writer = await issuer.token({ scope: 'write' })
  expect((await ask({ scopes: ['write'] }, writer)).status).toBe(201)
  expect((await ask({ scopes: ['write', 'read'] }, writer)).status).toBe(403)
  expect(await (await ask({}, writer)).json()).toMatchObject({ scopes: ['write'] })
  expect((await ask({}, await issuer.token({ scope: 'read' }))).status).toBe(403)
  for (const body of [{ scopes: ['admin'] }, { scopes: [] }, { ttl_seconds: 59 }, { ttl_seconds: 604_801 }])
    expect((await ask(body, ownKey)).status, JSON.stringify(body)).toBe(400)
  expect((await ask({ ttl_seconds: 604_800 }, ownKey)).status).toBe(201)
})

test('a token ends with the key that made it, if that is sooner', async () => {
  const expiresAt = new Date(Date.now() + 600_000)
  const given = { name: 'short', scopes: ['write'] as const, expiresAt }
  const { key } = await server.catalog.api.keys.create(TENANT, given)
  const { expires_at } = await makeToken(String(elsewhere.run_id), key, { ttl_seconds: 3600 })
  expect(expires_at).toBe(expiresAt.toISOString())
})

test('a token that was made by a token of the issuer goes on when that has expired', async () => {
  const made = await makeToken(String(elsewhere.run_id), await issuer.token(), { ttl_seconds: 3600 })
  expect(Date.parse(String(made.expires_at))).toBeGreaterThan(Date.now() + 3_500_000)
  const run = await server.fetch(`/api/v1/experiments/runs/${elsewhere.run_id}`, {
    headers: bearer(String(made.token)),
  })
  expect(run.status).toBe(200)
})

test('where nobody is authenticated, no token is made', async () => {
  await using open = await ApiUnderTest.start()
  const { path } = await open.run()
  const response = await open.fetch(`${path}/tokens`, { method: 'POST' })
  expect([response.status, await response.json()]).toMatchObject([409, { code: 'tokens_unavailable' }])
})

test('with a secret of the settings, that signs, and an older one is believed beside it', async () => {
  const [old, fresh] = [Buffer.alloc(32, 'a'), Buffer.alloc(32, 'b')]
  await using other = await ApiUnderTest.start({ config: { auth: 'api-key', tokenSecrets: [fresh, old] } })
  const given = { name: 'test', scopes: ['admin'], expiresAt: undefined } as const
  const { key } = await other.catalog.api.keys.create(TENANT, given)
  const { run_id: runId = '' } = await placeOf(other, TENANT, key)
  const statusOf = async (secret: Buffer) => {
    const token = signRunToken(grantOf(runId), secret)
    return (await other.fetch(`/api/v1/experiments/runs/${runId}`, { headers: bearer(token) })).status
  }
  expect(await statusOf(old)).toBe(200)
  expect(await statusOf(fresh)).toBe(200)
  expect(await statusOf(await other.catalog.api.tokenSecret.get())).toBe(401)
})

test('an operation that names its run by what is not in its address stops the start', () => {
  const [route] = GUARDED
  if (route === undefined) throw new Error('there are no routes')
  const wrong = at('GET', '/new', { ...route.operation, runNamedBy: 'job_id' })
  expect(() => mount({} as never, [wrong], {} as never)).toThrow('GET /new: nothing in it is called job_id')
})

function grantOf(runId: string) {
  return { tenant: TENANT, runId, scopes: ALL, expiresAt: new Date(Date.now() + 60_000), keyId: undefined }
}

async function expiredOf(runId: string): Promise<string> {
  const secret = await server.catalog.api.tokenSecret.get()
  return signRunToken({ ...grantOf(runId), expiresAt: new Date(Date.now() - 1000) }, secret)
}

/** Its key is asked about for the first time after it was revoked: what is known of one is believed for a while. */
async function revokedOf(runId: string): Promise<string> {
  const given = { name: 'leaked', scopes: ['admin'], expiresAt: undefined } as const
  const { key, row } = await server.catalog.api.keys.create(TENANT, given)
  const token = await tokenOf(runId, key)
  await server.catalog.api.keys.revoke(row.keyId)
  return token
}

async function tokenOf(runId: string, shown: string, body: object = { scopes: ALL }): Promise<string> {
  return String((await makeToken(runId, shown, body)).token)
}

function makeToken(runId: string, shown: string, body: object): Promise<Record<string, unknown>> {
  return server.json(`/api/v1/experiments/runs/${runId}/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(shown) },
    body: JSON.stringify(body),
  })
}

async function keyOf(tenant: TenantId): Promise<string> {
  const given = { name: 'test', scopes: ['admin'], expiresAt: undefined } as const
  return (await server.catalog.api.keys.create(tenant, given)).key
}
