import type { Scope, TenantId } from '@lading/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Issuer } from '../../../test/support/issuer.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { addressOf, bearer, GUARDED, placeOf, REQUESTS, saidBy } from './fixtures/every-operation.ts'
import { jwtRules } from './fixtures/jwt-rules.ts'
import { at, mount } from './route.ts'

const OWNER = 'acme' as TenantId
const STRANGER = 'globex' as TenantId

let server: ApiUnderTest
let issuer: Issuer
/** Of the owner, for what has to be there. */
let ownKey: string

beforeAll(async () => {
  issuer = await Issuer.start()
  server = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: jwtRules(issuer) } })
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

describe.each(GUARDED.map((route) => ({ ...route, name: `${route.method} ${route.path}` })))(
  '$name',
  ({ method, path, operation }) => {
    const row = REQUESTS[operation.id]
    const ask = (address: string, headers: Record<string, string>) => {
      const init = row?.init?.()
      return server.fetch(address, {
        method,
        signal: AbortSignal.timeout(20_000),
        ...init,
        headers: { 'tus-resumable': '1.0.0', ...(init?.headers as object), ...headers },
      })
    }

    test.each(Object.entries(SHOWN))(
      'by %s, lets nobody but its tenant, with the scope, at what is there',
      async (_, show) => {
        if (row === undefined) throw new Error(`${operation.id} has no row in REQUESTS`)
        const place = await placeOf(server, OWNER, ownKey)
        const address = addressOf(path, place)

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
      },
    )
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
  const [route] = GUARDED
  if (route === undefined) throw new Error('there are no routes')
  const undeclared = at('GET', '/new', { ...route.operation, permission: undefined as never })
  expect(() => mount({} as never, [undeclared], {} as never)).toThrow(
    'GET /new: its operation declares no permission',
  )
})

async function keyOf(tenant: TenantId, scopes: readonly Scope[]): Promise<string> {
  return (await server.catalog.api.keys.create(tenant, { name: 'test', scopes, expiresAt: undefined })).key
}
