import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Issuer } from '../../../test/support/issuer.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { jwtRules } from './fixtures/jwt-rules.ts'
import type { JwtRules } from './identity/jwt/rules.ts'

/** For ever, as tests go. */
const LONG = 3_600_000

test('a rotated key is found when the first token comes that is signed by it, and the old one goes on', async () => {
  const { issuer, statusOf } = await start({ cooldownMs: 0 })
  const old = await issuer.token()
  expect(await statusOf(old)).toBe(200)
  await issuer.rotate()
  expect(await statusOf(await issuer.token())).toBe(200)
  expect(await statusOf(old)).toBe(200)
  await issuer.rotate({ keepOld: false })
  expect(await statusOf(await issuer.token())).toBe(200)
  expect(await statusOf(old)).toBe(401)
})

test('tokens that name unknown keys have the issuer asked once, however many come', async () => {
  const { issuer, statusOf } = await start({ cooldownMs: LONG })
  expect(await statusOf(await issuer.token())).toBe(200)
  expect(issuer.asked).toBe(1)
  const strange = await Promise.all(
    Array.from({ length: 20 }, (_, kid) => issuer.token({}, { kid: `${kid}` })),
  )
  for (const status of await Promise.all(strange.map(statusOf))) expect(status).toBe(401)
  expect(issuer.asked).toBe(1)
})

test('many who come at the start have the keys fetched once', async () => {
  const { issuer, statusOf } = await start()
  const token = await issuer.token()
  const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(token)))
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(issuer.asked).toBe(1)
})

test('while the issuer cannot be reached, nobody is called a stranger: 503, when to come again, and readiness says so', async () => {
  const { issuer, server, statusOf } = await start({ retryMs: 0 })
  const token = await issuer.token()
  issuer.down = true
  const response = await ask(server, token)
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { code: 'issuer_unavailable', detail: expect.stringContaining('answers with 503') },
  ])
  expect(response.headers.get('retry-after')).toBe('1')
  const ready = await server.fetch('/readyz')
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    { code: 'not_ready', checks: { postgres: 'ok', issuer: expect.stringContaining(issuer.url) } },
  ])
  issuer.down = false
  expect(await statusOf(token)).toBe(200)
  expect(await server.json('/readyz')).toMatchObject({ checks: { issuer: 'ok' } })
})

test('keys are fetched again by and by, while those that are there are used', async () => {
  const { issuer, statusOf } = await start({ freshMs: 0, cooldownMs: 0 })
  const token = await issuer.token()
  await until(async () => (await statusOf(token)) === 200 && issuer.asked > 1, { within: 30_000 })
})

test('keys that are there are used while the issuer is away, and readiness is degraded', async () => {
  const { issuer, server, statusOf } = await start({ cooldownMs: 0, retryMs: 0 })
  const token = await issuer.token()
  expect(await statusOf(token)).toBe(200)
  issuer.down = true
  expect(await statusOf(token)).toBe(200)
  expect(await statusOf(await issuer.token({}, { kid: 'new' }))).toBe(503)
  expect(await server.json('/readyz')).toMatchObject({
    status: 'degraded',
    checks: { issuer: expect.stringContaining('answers with 503') },
  })
})

test('keys that are older than an issuer may be away are used no more', async () => {
  const { issuer, statusOf } = await start({ freshMs: 0, usedMs: 0, cooldownMs: 0, retryMs: 0 })
  const token = await issuer.token()
  expect(await statusOf(token)).toBe(200)
  issuer.down = true
  expect(await statusOf(token)).toBe(503)
})

test('an issuer that failed a moment ago is left alone for a while', async () => {
  const { issuer, statusOf } = await start({ retryMs: LONG })
  const token = await issuer.token()
  issuer.down = true
  expect(await statusOf(token)).toBe(503)
  issuer.down = false
  expect(await statusOf(token)).toBe(503)
  expect(issuer.asked).toBe(0)
})

test.each<[string, Record<string, unknown>, string]>([
  ['of another issuer', { issuer: 'https://evil.example' }, 'is of the issuer'],
  ['that names no keys', { jwks_uri: undefined }, 'is not what OpenID Connect describes'],
  ['that has its keys where anybody could change them', { jwks_uri: 'http://keys.example/' }, 'is not https'],
  ['that has its keys in a file', { jwks_uri: 'file:///etc/passwd' }, 'is not https'],
])('a discovery document %s is not believed', async (_, says, why) => {
  const { issuer, server } = await start()
  issuer.says = says
  const response = await ask(server, await issuer.token())
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { detail: expect.stringContaining(why) },
  ])
})

async function start(keys: Partial<JwtRules['keys']> = {}) {
  const issuer = await Issuer.start()
  onTestFinished(() => issuer[Symbol.asyncDispose]())
  const server = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: jwtRules(issuer, keys) } })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { issuer, server, statusOf: async (token: string) => (await ask(server, token)).status }
}

function ask(server: ApiUnderTest, token: string): Promise<Response> {
  return server.fetch('/api/v1/jobs', { headers: { authorization: `Bearer ${token}` } })
}
