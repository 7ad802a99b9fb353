import type { TenantId } from '@lading/core'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Issuer } from '../../../test/support/issuer.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { jwtRules } from './fixtures/jwt-rules.ts'

test('the log says by whom each request was, by what finds a key and does not use it', async () => {
  const logged: string[] = []
  await using issuer = await Issuer.start()
  await using server = await ApiUnderTest.start({ logged, config: { auth: 'jwt', jwt: jwtRules(issuer) } })
  const given = { name: 'trainer', scopes: ['admin'], expiresAt: undefined } as const
  const { key, row } = await server.catalog.api.keys.create('acme' as TenantId, given)
  const { experiments, runs } = server.catalog.api
  const experiment = await experiments.create(row.tenantId, { name: 'x', location: undefined })
  const { runId } = await runs.create(row.tenantId, { ...experiment, name: undefined })
  const address = `/api/v1/experiments/runs/${runId}`
  const headersOf = (token: string) => ({ authorization: `Bearer ${token}` })

  const { token } = await server.json(`${address}/tokens`, { method: 'POST', headers: headersOf(key) })
  const jwt = await issuer.token({ sub: 'ada@example.com' })
  for (const shown of [String(token), jwt]) await server.json(address, { headers: headersOf(shown) })

  const callers = await until(
    () => {
      const lines = logged.map((line) => JSON.parse(line)).filter((line) => line.caller !== undefined)
      return lines.length === 3 && lines.map((line) => line.caller)
    },
    { within: 30_000 },
  )
  expect(new Set(callers)).toEqual(
    new Set([`key ${row.keyId}`, `run token by key ${row.keyId}`, 'jwt ada@example.com']),
  )
  for (const shown of [key, String(token), jwt]) expect(logged.join()).not.toContain(shown)
})
