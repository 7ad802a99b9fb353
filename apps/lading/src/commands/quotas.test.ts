import { expect, test } from 'vitest'
import { freshDatabase } from '../../../../test/support/provided.ts'
import { lading } from '../fixtures/lading-process.ts'

test('a quota is set, added to, shown with what is used, and cleared', async () => {
  const settings = { DATABASE_URL: await freshDatabase(), LADING_QUOTA_OBJECTS: '9' }
  const run = async (...args: string[]) => {
    const { code, out, err } = await lading(args, settings).ended
    expect(code, err).toBe(0)
    return out
  }
  await run('migrate')
  expect(await run('quotas', 'show')).toContain('No tenant has a quota of its own.')
  await run('quotas', 'set', '--tenant', 'acme', '--bytes', '2GiB', '--request-rate', '50')
  await run('quotas', 'set', '--tenant', 'acme', '--bytes', '3GiB')
  expect(JSON.parse(await run('quotas', 'show', '--tenant', 'acme', '--json')).quotas).toMatchObject([
    {
      tenant: 'acme',
      bytes: { used: 0, coming: 0, allowed: 3 * 2 ** 30 },
      objects: { used: 0, allowed: 9 },
      requests_per_second: 50,
    },
  ])
  expect(await run('quotas', 'clear', '--tenant', 'acme')).toMatch(
    /bytes +0 of any number\n +objects +0 of 9\n/,
  )
})

test('a quota that is no number is told in a sentence, and so is none', async () => {
  const settings = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
  const wrong = await lading(['quotas', 'set', '--tenant', 'acme', '--bytes', 'much'], settings).ended
  expect(wrong).toMatchObject({
    code: 2,
    err: expect.stringContaining("'--bytes' argument 'much' is invalid"),
  })
  const none = await lading(['quotas', 'set', '--tenant', 'acme'], settings).ended
  expect(none).toMatchObject({ code: 2, err: expect.stringContaining('such as --bytes 500GiB') })
})
