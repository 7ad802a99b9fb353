import { expect, test } from 'vitest'
import { hashOfApiKey, newApiKey, parseApiKey, shownPrefixOf } from './api-key.ts'

test('a new key is taken, and no two are the same', () => {
  const keys = Array.from({ length: 100 }, newApiKey)
  for (const key of keys) expect(parseApiKey(key)).toBe(key)
  expect(new Set(keys.map((key) => hashOfApiKey(key).toString('hex'))).size).toBe(100)
})

test('a key with one character changed, or cut short, is told apart without a database', () => {
  const key = newApiKey()
  for (const index of [7, 30, key.length - 1]) {
    const other = key[index] === '0' ? '1' : '0'
    expect(parseApiKey(key.slice(0, index) + other + key.slice(index + 1))).toBeUndefined()
  }
  for (const wrong of ['', 'lading_', key.slice(0, -1), `${key}0`, key.toUpperCase()]) {
    expect(parseApiKey(wrong)).toBeUndefined()
  }
})

test('what is shown of a key finds it, and is not enough to use it', () => {
  const key = newApiKey()
  expect(key.startsWith(shownPrefixOf(key))).toBe(true)
  expect(shownPrefixOf(key)).toMatch(/^lading_.{8}$/)
})
