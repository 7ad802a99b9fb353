import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { openMigrated } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog

beforeAll(async () => {
  catalog = await openMigrated(await freshDatabase())
})

afterAll(() => catalog.close())

test('of many processes that need a secret at once, all get the same, until it is replaced', async () => {
  const { tokenSecret } = catalog.api
  const secrets = await Promise.all(Array.from({ length: 8 }, () => tokenSecret.get()))
  expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1)
  expect(secrets[0]).toHaveLength(32)
  await tokenSecret.replace()
  const other = await tokenSecret.get()
  expect(other).toHaveLength(32)
  expect(other.equals(secrets[0] as Buffer)).toBe(false)
})
