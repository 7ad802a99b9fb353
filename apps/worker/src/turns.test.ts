import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('many that come at once begin a few in each turn, in their order, and none is forgotten', async () => {
  const turns = new Turns()
  const begun: number[] = []
  const all = Array.from({ length: 10 }, async (_, i) => {
    await turns.next()
    begun.push(i)
  })
  await turn()
  expect(begun).toEqual([0, 1, 2, 3])
  await turn()
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  await Promise.all(all)
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  await turns.next()
})
