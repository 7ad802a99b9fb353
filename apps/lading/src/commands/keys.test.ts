import { openCatalog } from '@lading/catalog'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { freshDatabase } from '../../../../test/support/provided.ts'
import { lading } from '../fixtures/lading-process.ts'

test('a key is made, shown by its beginning only, and revoked', async () => {
  const settings = { DATABASE_URL: await freshDatabase() }
  const run = async (...args: string[]) => {
    const { code, out, err } = await lading(args, settings).ended
    expect(code, err).toBe(0)
    return out
  }
  await run('migrate')
  const made = JSON.parse(
    await run('keys', 'create', '--tenant', 'acme', '--name', 'trainer', '--days', '90', '--json'),
  )
  expect(made).toMatchObject({ tenant: 'acme', scopes: ['read', 'write'], revoked_at: null })
  const listed = await run('keys', 'list')
  expect(listed).toContain(made.prefix)
  expect(listed).not.toContain(made.key)
  await run('keys', 'revoke', made.key_id)
  expect(JSON.parse(await run('keys', 'list', '--tenant', 'acme', '--json')).keys).toMatchObject([
    { key_id: made.key_id, revoked_at: expect.any(String) },
  ])
})

test('tokens of runs are ended by another secret, unless the settings have it', async () => {
  const settings = { DATABASE_URL: await freshDatabase() }
  await lading(['migrate'], settings).ended
  await using catalog = openCatalog({
    url: settings.DATABASE_URL,
    defaultBucket: 'bucket',
    log: pino({ level: 'silent' }),
  })
  const before = await catalog.api.tokenSecret.get()
  expect(await lading(['keys', 'end-tokens'], settings).ended).toMatchObject({ code: 0 })
  expect((await catalog.api.tokenSecret.get()).equals(before)).toBe(false)
  const elsewhere = { ...settings, LADING_TOKEN_SECRET: 'x'.repeat(32) }
  expect(await lading(['keys', 'end-tokens'], elsewhere).ended).toMatchObject({
    code: 1,
    err: expect.stringContaining('LADING_TOKEN_SECRET: tokens are signed with it'),
  })
})

test('a scope that does not exist, and a key that does not, are told in a sentence', async () => {
  const settings = { DATABASE_URL: await freshDatabase() }
  await lading(['migrate'], settings).ended
  const wrong = await lading(
    ['keys', 'create', '--tenant', 'acme', '--name', 'x', '--scopes', 'all'],
    settings,
  ).ended
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('"all" is none of read, write') })
  const missing = await lading(['keys', 'revoke', 'nothing'], settings).ended
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('there is no key nothing') })
})
