import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { newApiKey, parseApiKey } from './api-key.ts'
import { newId } from './ids.ts'
import { isRunToken, type RunGrant, readRunToken, signRunToken } from './run-token.ts'
import { parseTenantId } from './tenant.ts'

const SECRET = randomBytes(32)

const GRANT: RunGrant = {
  tenant: parseTenantId('acme-corp'),
  runId: newId(),
  scopes: ['read', 'write'],
  expiresAt: new Date('2030-01-31T09:30:00Z'),
  keyId: newId(),
}

test('a token says what was granted, by any secret that is still known', () => {
  const token = signRunToken(GRANT, SECRET)
  expect(readRunToken(token, [SECRET])).toEqual(GRANT)
  expect(readRunToken(token, [randomBytes(32), SECRET])).toEqual(GRANT)
  const withoutKey = { ...GRANT, keyId: undefined }
  expect(readRunToken(signRunToken(withoutKey, SECRET), [SECRET])).toEqual(withoutKey)
})

test('a token of another secret, or with one character changed, added or taken away, says nothing', () => {
  const token = signRunToken(GRANT, SECRET)
  expect(readRunToken(token, [randomBytes(32)])).toBeUndefined()
  expect(readRunToken(token, [])).toBeUndefined()
  for (let index = 0; index < token.length; index += 1) {
    const other = token[index] === 'A' ? 'B' : 'A'
    const changed = token.slice(0, index) + other + token.slice(index + 1)
    expect(readRunToken(changed, [SECRET]), `at ${index}`).toBeUndefined()
  }
  for (const wrong of ['', 'lading_run_', 'lading_run_.', token.slice(0, -4), `${token}AAAA`, `x${token}`])
    expect(readRunToken(wrong, [SECRET]), wrong).toBeUndefined()
})

test('what is granted cannot be given the signature of another grant', () => {
  const [, signature] = signRunToken(GRANT, SECRET).split('.')
  const [wider] = signRunToken({ ...GRANT, scopes: ['admin'] }, randomBytes(32)).split('.')
  expect(readRunToken(`${wider}.${signature}`, [SECRET])).toBeUndefined()
})

test('no key is taken for a token, and no token for a key', () => {
  const token = signRunToken(GRANT, SECRET)
  expect([isRunToken(token), parseApiKey(token)]).toEqual([true, undefined])
  for (const key of Array.from({ length: 100 }, newApiKey)) expect(isRunToken(key)).toBe(false)
  expect(isRunToken(`lading_run_${'A'.repeat(47)}`)).toBe(false)
})
