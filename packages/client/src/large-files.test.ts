import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesOf, type ClientOfSystem, startWithClient } from './fixtures/client-of-system.ts'
import type { Progress } from './node.ts'

let harbour: ClientOfSystem

beforeAll(async () => {
  harbour = await startWithClient()
})

afterAll(() => harbour?.system.stop())

test('a large file goes in pieces, and its progress is told', async () => {
  const run = await harbour.run({ resumableFrom: 1_000_000, pieceBytes: 400_000 })
  const bytes = randomBytes(1_000_000)
  const told: Progress[] = []
  const upload = await run.logBytes('big', bytes, { onProgress: (progress) => told.push(progress) })
  expect(told.map(({ sent }) => sent)).toEqual([0, 400_000, 800_000, 1_000_000])
  await upload.delivered()
  expect(await bytesOf(run, 'big')).toEqual(bytes)
})

test('a large file goes on where the connection broke', async () => {
  let pieces = 0
  const breaking: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (init?.method === 'PATCH' && ++pieces % 2 === 0) throw new TypeError('the answer was lost')
    return answer
  }
  const run = await harbour.run({ fetch: breaking, resumableFrom: 1, pieceBytes: 100_000 })
  const bytes = randomBytes(500_000)
  await (await run.logBytes('big', bytes)).delivered()
  expect(pieces).toBe(5)
  expect(await bytesOf(run, 'big')).toEqual(bytes)
})

test('every request of these tests is in the document of the API', () => harbour.expectInDocument())
