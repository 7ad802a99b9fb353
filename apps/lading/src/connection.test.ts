import { expect, test } from 'vitest'
import { readConnection } from './connection.ts'

const read = (environment: Record<string, string>, options = {}) => readConnection(environment, options)

test('an address is taken with a path, and without its last slash', () => {
  const { url, named } = read({ LADING_URL: 'https://lading.example/behind/' })
  expect({ url, named }).toEqual({ url: 'https://lading.example/behind', named: true })
  expect(read({})).toMatchObject({ url: 'http://localhost:8080', named: false })
})

test.each([
  ['lading.example:8080', 'LADING_URL: "lading.example:8080" must be a URL that begins with http'],
  ['https://me:secret@lading.example', 'LADING_URL: holds a name or a password'],
  ['https://lading.example/?a=b', 'has a "?" or "#"'],
])('the address %s is refused by the name of its variable', (url, sentence) => {
  expect(() => read({ LADING_URL: url })).toThrow(sentence)
  expect(() => read({ LADING_URL: url })).not.toThrow('secret')
})

test('a key or tenant that no request can carry is named, and the key is not shown', () => {
  for (const key of ['“secret”', 'sec\nret'])
    expect(() => read({ LADING_API_KEY: key })).toThrow(/LADING_API_KEY: has a character/)
  expect(() => read({ LADING_API_KEY: 'sec\nret' })).not.toThrow('ret')
  expect(() => read({}, { tenant: 'ü' })).toThrow('--tenant: has a character')
})
