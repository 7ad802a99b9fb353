import { newApiKey, shownPrefixOf } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { expect, test } from 'vitest'
import { createLog } from './create-log.ts'

function logged(fields: object): Record<string, unknown> {
  const lines: string[] = []
  createLog('trace', { write: (text) => void lines.push(text) }).info(fields, 'something happened')
  return JSON.parse(lines.join(''))
}

test('of an error, the log has what it is, where it came from and why', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), {
    code: 'ECONNREFUSED',
    port: 5432,
  })
  const { err } = logged({ err: new LadingError('catalog_unavailable', 'it is away', { cause }) })
  expect(err).toMatchObject({ type: 'LadingError', code: 'catalog_unavailable', detail: 'it is away' })
  expect(err).toMatchObject({ stack: expect.stringContaining('caused by: Error: connect ECONNREFUSED') })
  expect(logged({ error: cause })).toMatchObject({ error: { code: 'ECONNREFUSED', port: 5432 } })
})

test('each error of several is told', () => {
  const { err } = logged({
    err: new AggregateError([new Error('first'), new Error('second')], 'both failed'),
  })
  expect(err).toMatchObject({
    message: expect.stringContaining('both failed'),
    aggregateErrors: [{ message: 'first' }, { message: 'second' }],
  })
})

test('what a library hangs on its errors is not told', () => {
  const authFailed = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['hunter2'] } })
  const outer = new Error('the queue failed', { cause: authFailed })
  for (const fields of [{ err: authFailed }, { error: authFailed }, { err: outer }])
    expect(JSON.stringify(logged(fields))).not.toContain('hunter2')
})

test('a password in a URL and a key are crossed out, wherever they stand', () => {
  const key = newApiKey()
  const line = logged({
    err: new Error(`postgres://me:hunter2@db/lading and redis://:hunter2@cache, asked with ${key}`),
    url: 'https://hunter2@s3.local/bucket',
  })
  const text = JSON.stringify(line)
  expect(text).not.toMatch(/hunter2/)
  expect(text).not.toContain(key)
  expect(text).toContain('postgres://***@db/lading and redis://***@cache')
  expect(text).toContain(`${shownPrefixOf(key)}***`)
})

test('tokens are crossed out as well, of runs and of issuers', () => {
  const [payload, signature] = [
    Buffer.from('{"v":1,"run":"r"}').toString('base64url'),
    'c2lnbmF0dXJl'.repeat(3),
  ]
  const fields = {
    run: `lading_run_${payload}.${signature}`,
    jwt: `eyJhbGciOiJFUzI1NiJ9.${payload}.${signature}`,
  }
  expect(logged(fields)).toMatchObject({ run: 'lading_run_***', jwt: 'eyJ***' })
})

test('what only looks like one is left as it is', () => {
  const plain = 'https://ml.example.com/a@b, mail@example.com, lading_scrub_oldest_seconds'
  expect(logged({ plain })).toMatchObject({ plain })
})
