import { exportSPKI, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Claims, Issuer, newSigningKey } from '../../../test/support/issuer.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { jwtRules } from './fixtures/jwt-rules.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

let issuer: Issuer
let server: ApiUnderTest

beforeAll(async () => {
  issuer = await Issuer.start()
  server = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: jwtRules(issuer) } })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

const now = () => Math.floor(Date.now() / 1000)

function ask(token: string, headers: Record<string, string> = {}): Promise<Response> {
  return server.fetch('/api/v1/jobs', { headers: { authorization: `Bearer ${token}`, ...headers } })
}

async function problemOf(token: string): Promise<{ status: number; code: string; detail: string }> {
  const response = await ask(token)
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="lading", error="/)
  return (await response.json()) as { status: number; code: string; detail: string }
}

test('a token of the issuer speaks for the tenant of its claim, by an audience of several as well', async () => {
  const headers = { authorization: `Bearer ${await issuer.token({ aud: ['other', 'lading'] })}` }
  const body = JSON.stringify({ name: 'by token' })
  const created = await server.fetch('/api/v1/experiments', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
  })
  expect(created.status).toBe(201)
  const ofOther = { authorization: `Bearer ${await issuer.token({ tenant: 'globex' })}` }
  expect(await server.json('/api/v1/experiments', { headers })).toMatchObject({
    experiments: [{ name: 'by token' }],
  })
  expect(await server.json('/api/v1/experiments', { headers: ofOther })).toMatchObject({ experiments: [] })
})

test('a key is taken beside the tokens of the issuer', async () => {
  const given = { name: 'machine', scopes: ['read'], expiresAt: undefined } as const
  const { key } = await server.catalog.api.keys.create('acme' as never, given)
  expect((await ask(key)).status).toBe(200)
})

const REFUSED: Readonly<Record<string, [() => Promise<string> | string, RegExp]>> = {
  'has expired': [() => issuer.token({ exp: now() - 1 }), /the token has expired/],
  'never expires': [() => issuer.token({ exp: undefined }), /"exp" is missing/],
  'is not valid yet': [() => issuer.token({ nbf: now() + 60 }), /not valid yet/],
  'is of another issuer': [() => issuer.token({ iss: `${issuer.url}/` }), /"iss" is not what/],
  'names no issuer': [() => issuer.token({ iss: undefined }), /"iss" is missing/],
  'is for another audience': [() => issuer.token({ aud: 'elsewhere' }), /"aud" is not what/],
  'is for nobody': [() => issuer.token({ aud: undefined }), /"aud" is missing/],
  'is not signed': [() => unsigned({}), /algorithm that is not taken/],
  'is signed with the public key as if it were a secret': [
    signedWithPublicKey,
    /algorithm that is not taken/,
  ],
  'is signed by a key of the same name that is not the issuer’s': [forged, /signature of the token/],
  'names a key that nobody has': [
    () => issuer.token({}, { kid: 'nobody’s' }),
    /key that its issuer does not have/,
  ],
  'was changed after it was signed': [tampered, /signature of the token/],
  'is cut short': [async () => (await issuer.token()).slice(0, -8), /signature of the token|no JWT/],
  'is no token at all': [() => 'eyJhbGciOiJSUzI1NiJ9.e30', /no JWT that can be read/],
  'has a header that is no JSON': [() => 'bm90.anNvbg.eA', /no JWT that can be read/],
  'is longer than any token is': [
    () => issuer.token({ groups: 'x'.repeat(8192) }),
    /more than 8192 characters/,
  ],
}

describe.each(Object.entries(REFUSED))('a token that %s', (_, [make, why]) => {
  test('is refused, and the answer says so', async () => {
    const { status, code, detail } = await problemOf(await make())
    expect({ status, code }).toEqual({ status: 401, code: 'unauthenticated' })
    expect(detail).toMatch(why)
  })
})

test.each<[string, unknown, RegExp]>([
  ['no tenant', undefined, /"tenant" is missing/],
  ['a tenant that is no text', 7, /"tenant" is not a text/],
  ['a list of tenants', ['acme', 'globex'], /"tenant" is not a text/],
  ['a tenant that can be none', '../globex', /"tenant" is no tenant id/],
  ['an empty tenant', '', /"tenant" is no tenant id/],
])('a token with %s is refused by a code of its own', async (_, tenant, why) => {
  const { status, code, detail } = await problemOf(await issuer.token({ tenant }))
  expect({ status, code }).toEqual({ status: 401, code: 'token_tenant_invalid' })
  expect(detail).toMatch(why)
})

test.each<[string, unknown]>([
  ['no scopes', undefined],
  ['scopes of others', 'openid profile lading:read'],
  ['a scope in other letters', 'READ'],
  ['scopes that are no words', [1, null, {}]],
  ['another scope', ['write', 'delete']],
])('a token with %s may not read', async (_, scope) => {
  const response = await ask(await issuer.token({ scope }))
  expect(response.status).toBe(403)
  expect(response.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="read"')
})

test('scopes may be a list, and other words stand beside them', async () => {
  expect((await ask(await issuer.token({ scope: ['openid', 'read'] }))).status).toBe(200)
  expect((await ask(await issuer.token({ scope: 'openid admin' }))).status).toBe(200)
})

test('the tenant that is named must be that of the token', async () => {
  const token = await issuer.token()
  expect((await ask(token, { 'x-tenant-id': 'acme' })).status).toBe(200)
  const response = await ask(token, { 'x-tenant-id': 'globex' })
  expect([response.status, await response.json()]).toMatchObject([403, { code: 'tenant_mismatch' }])
})

test('of two Authorization fields, neither is believed', async () => {
  using connection = await RawConnection.open(server.port)
  const token = await issuer.token()
  connection.send(
    `GET /api/v1/jobs HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer ${token}\r\nAuthorization: Bearer x\r\n\r\n`,
  )
  expect((await connection.answer()).status).toBe(400)
})

test('claims have the names, and scopes the prefix, that the settings give them', async () => {
  const rules = {
    ...jwtRules(issuer),
    tenantClaim: 'https://x/org',
    scopeClaim: 'scp',
    scopePrefix: 'lading:',
  }
  await using other = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: rules } })
  const statusOf = async (claims: Claims) => {
    const authorization = `Bearer ${await issuer.token({ tenant: undefined, scope: undefined, ...claims })}`
    return (await other.fetch('/api/v1/jobs', { headers: { authorization } })).status
  }
  expect(await statusOf({ 'https://x/org': 'acme', scp: 'lading:read other:write' })).toBe(200)
  expect(await statusOf({ 'https://x/org': 'acme', scp: 'read' })).toBe(403)
  expect(await statusOf({ tenant: 'acme', scp: 'lading:read' })).toBe(401)
})

test('clocks may differ by as much as the settings say', async () => {
  const rules = { ...jwtRules(issuer), clockToleranceMs: 120_000 }
  await using tolerant = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: rules } })
  const statusOf = async (claims: Claims) => {
    const authorization = `Bearer ${await issuer.token(claims)}`
    return (await tolerant.fetch('/api/v1/jobs', { headers: { authorization } })).status
  }
  expect(await statusOf({ exp: now() - 60 })).toBe(200)
  expect(await statusOf({ nbf: now() + 60 })).toBe(200)
  expect(await statusOf({ exp: now() - 180 })).toBe(401)
})

function unsigned(claims: Claims): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const good = { iss: issuer.url, aud: 'lading', exp: now() + 300, tenant: 'acme', scope: 'admin' }
  return `${part({ alg: 'none' })}.${part({ ...good, ...claims })}.`
}

async function signedWithPublicKey(): Promise<string> {
  const secret = new TextEncoder().encode(await exportSPKI(issuer.key.publicKey))
  return await new SignJWT({ tenant: 'acme', scope: 'admin' })
    .setProtectedHeader({ alg: 'HS256', kid: issuer.key.kid })
    .setIssuer(issuer.url)
    .setAudience('lading')
    .setExpirationTime('5m')
    .sign(secret)
}

async function forged(): Promise<string> {
  return await issuer.token({}, { signedBy: await newSigningKey(), kid: issuer.key.kid })
}

async function tampered(): Promise<string> {
  const [header, , signature] = (await issuer.token()).split('.')
  const [, payload] = (await issuer.token({ tenant: 'globex', scope: 'admin' })).split('.')
  return `${header}.${payload}.${signature}`
}
