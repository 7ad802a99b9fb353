import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BLOCK_SIZE, crc32Of, DigestTaker } from './digest.ts'
import { partSizeFor, planParts } from './part-plan.ts'

const TIB = 1024 ** 4

test('parts are a whole number of blocks, no more of them than a store takes, and no larger than they must be', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5 * TIB }),
      fc.integer({ min: 1, max: 10_000 }),
      (size, maxParts) => {
        const partSize = partSizeFor(size, maxParts)
        expect(partSize % BLOCK_SIZE).toBe(0)
        expect(partSize).toBeGreaterThan(0)
        expect(Math.ceil(size / partSize)).toBeLessThanOrEqual(maxParts)
        if (partSize > BLOCK_SIZE) expect(Math.ceil(size / (partSize - BLOCK_SIZE))).toBeGreaterThan(maxParts)
      },
    ),
  )
})

test.each([
  ['a file of a block', BLOCK_SIZE, BLOCK_SIZE],
  ['a file of 10,000 blocks', 10_000 * BLOCK_SIZE, BLOCK_SIZE],
  ['a file of a byte more', 10_000 * BLOCK_SIZE + 1, 2 * BLOCK_SIZE],
  ['the largest object of S3', 5 * TIB, 66 * BLOCK_SIZE],
])('%s has parts of the right size', (_, size, expected) => {
  expect(partSizeFor(size, 10_000)).toBe(expected)
})

test('the parts of a file follow one another from its first byte to its last, each with the CRC-32 of its bytes', () => {
  const blocks = [
    1,
    BLOCK_SIZE - 1,
    BLOCK_SIZE,
    BLOCK_SIZE + 1,
    2 * BLOCK_SIZE,
    2 * BLOCK_SIZE + 5,
    3 * BLOCK_SIZE,
  ]
  for (const size of blocks) {
    const bytes = randomBytes(size)
    const taker = new DigestTaker()
    taker.update(bytes)
    const file = taker.finish()
    for (const partSize of [BLOCK_SIZE, 2 * BLOCK_SIZE, 4 * BLOCK_SIZE]) {
      let next = 0
      for (const [index, part] of [...planParts(file, partSize)].entries()) {
        expect(part.partNumber).toBe(index + 1)
        expect(part.offset).toBe(next)
        expect(part.crc32).toBe(crc32Of(bytes.subarray(part.offset, part.offset + part.size)))
        next += part.size
      }
      expect(next).toBe(size)
    }
  }
})

test('an empty file has no parts', () => {
  expect([...planParts({ size: 0, blockCrcs: Buffer.alloc(0) }, BLOCK_SIZE)]).toEqual([])
})
