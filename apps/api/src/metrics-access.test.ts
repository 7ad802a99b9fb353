import type { Scope, TenantId } from '@lading/core'
import { expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'

const TOKEN = 'prometheus-0123456789'

test('where requests are authenticated, metrics are for keys with the scope admin', async () => {
  await using server = await ApiUnderTest.start({ config: { auth: 'api-key' } })
  const nobody = await server.fetch('/metrics')
  expect(nobody.status).toBe(401)
  expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="lading"')
  expect((await ask(server, await keyOf(server, ['read', 'write', 'delete']))).status).toBe(403)
  const admin = await ask(server, await keyOf(server, ['admin']))
  expect(admin.status).toBe(200)
  expect(await admin.text()).toContain('# HELP lading_accepted_files_total')
})

test('with a token for metrics, that opens them, and no key does', async () => {
  await using server = await ApiUnderTest.start({ config: { auth: 'api-key', metricsToken: TOKEN } })
  expect((await ask(server, TOKEN)).status).toBe(200)
  for (const other of [`${TOKEN}0`, TOKEN.slice(1), await keyOf(server, ['admin'])]) {
    const refused = await ask(server, other)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
  }
  const elsewhere = await server.fetch('/api/v1/jobs', { headers: { authorization: `Bearer ${TOKEN}` } })
  expect(elsewhere.status).toBe(401)
})

test('where nobody is authenticated, metrics are open, unless there is a token for them', async () => {
  await using open = await ApiUnderTest.start({ config: { defaultTenant: undefined } })
  expect((await open.fetch('/metrics')).status).toBe(200)
  await using closed = await ApiUnderTest.start({ config: { metricsToken: TOKEN } })
  expect((await closed.fetch('/metrics')).status).toBe(401)
  expect((await ask(closed, TOKEN)).status).toBe(200)
})

function ask(server: ApiUnderTest, token: string): Promise<Response> {
  return server.fetch('/metrics', { headers: { authorization: `Bearer ${token}` } })
}

async function keyOf(server: ApiUnderTest, scopes: readonly Scope[]): Promise<string> {
  const given = { name: 'test', scopes, expiresAt: undefined }
  return (await server.catalog.api.keys.create('acme' as TenantId, given)).key
}
