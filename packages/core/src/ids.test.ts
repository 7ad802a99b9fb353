import { expect, test } from 'vitest'
import { idOfKey, isId, newId } from './ids.ts'

test('ids are UUIDs of version 7, none twice, and sort by when they were made', () => {
  const ids = Array.from({ length: 1_000 }, newId)
  expect(ids.every((id) => isId(id) && id[14] === '7')).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.toSorted()).toEqual(ids)
})

test('a key is the same id each time, and another one in another scope', () => {
  const ids = ['key', newId()].flatMap((key) => [idOfKey(['a'], key), idOfKey(['b'], key)])
  expect(ids.every(isId)).toBe(true)
  expect(new Set(ids).size).toBe(4)
  expect(idOfKey(['a'], 'key')).toBe(ids[0])
})

test('the id of a key that is a UUIDv7 sorts as the key does', () => {
  const key = newId()
  expect(idOfKey(['a'], key).slice(0, 15)).toBe(`${key.slice(0, 13)}-7`)
})

test.each([
  '',
  'x',
  '01920000-0000-7000-8000-00000000000',
  '01920000-0000-7000-8000-0000000000000',
  '01920000-0000-7000-8000-00000000000G',
  '01920000-0000-7000-8000-00000000000A',
  '01920000-0000-7000-c000-000000000000',
  '01920000-0000-0000-8000-000000000000',
  '{01920000-0000-7000-8000-000000000000}',
  '01920000000070008000000000000000',
  '01920000-0000-7000-8000-000000000000\n',
  ' 01920000-0000-7000-8000-000000000000',
])('%j is no id', (text) => {
  expect(isId(text)).toBe(false)
})
