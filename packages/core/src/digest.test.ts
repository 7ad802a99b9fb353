import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BLOCK_SIZE, combineCrc32, crc32Of, crcOfBlocks, DigestTaker } from './digest.ts'

const BYTES = randomBytes(3 * BLOCK_SIZE + 17)

const SIZES = [
  ...[0, 1, 17],
  ...[BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1],
  ...[2 * BLOCK_SIZE - 1, 2 * BLOCK_SIZE, 3 * BLOCK_SIZE + 17],
]

describe('digests taken while bytes arrive', () => {
  test.each(SIZES)('are those of the whole, for %i bytes in one chunk', (size) => {
    expectDigestsOf(BYTES.subarray(0, size), [])
  })

  test('are those of the whole, however it is cut', () => {
    const cuts = fc.array(
      fc.oneof(
        fc.nat(BYTES.length),
        fc
          .tuple(fc.constantFrom(1, 2, 3), fc.integer({ min: -2, max: 2 }))
          .map(([n, d]) => n * BLOCK_SIZE + d),
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(fc.constantFrom(...SIZES), cuts, (size, at) =>
        expectDigestsOf(BYTES.subarray(0, size), at),
      ),
      { numRuns: 25 },
    )
  })
})

describe('a CRC-32', () => {
  test('of two pieces is combined from the CRC-32 of each', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.uint8Array({ maxLength: 500 }), (a, b) => {
        const [first, second] = [Buffer.from(a), Buffer.from(b)]
        const combined = combineCrc32(crc32Of(first), crc32Of(second), second.length)
        expect(combined).toBe(crc32(Buffer.concat([first, second])))
      }),
    )
  })

  test('is combined also over a length beyond 32 bits', () => {
    const zeros = (n: number, crc: number): number => {
      let [result, power, block] = [crc, crc32(Buffer.alloc(1)), 1]
      for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
        if (rest % 2 === 1) result = combineCrc32(result, power, block)
        power = combineCrc32(power, power, block)
        block *= 2
      }
      return result
    }
    const length = 5 * 2 ** 32 + 3
    const half = zeros(2 ** 32, 0)
    let whole: number = crc32(Buffer.from('abc'))
    for (let i = 0; i < 5; i++) whole = combineCrc32(whole, half, 2 ** 32)
    whole = combineCrc32(whole, crc32(Buffer.alloc(3)), 3)
    expect(zeros(length, crc32(Buffer.from('abc')))).toBe(whole)
    expect(combineCrc32(crc32(Buffer.from('abc')), zeros(length, 0), length)).toBe(whole)
  })
})

function expectDigestsOf(bytes: Buffer, cuts: readonly number[]): void {
  const taker = new DigestTaker()
  let from = 0
  for (const to of [...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length]) {
    taker.update(bytes.subarray(from, to))
    from = to
  }
  const digests = taker.finish()
  const blocks = Math.ceil(bytes.length / BLOCK_SIZE)
  expect(digests.size).toBe(bytes.length)
  expect(digests.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  expect(digests.crc32).toBe(crc32(bytes))
  expect(digests.blockCrcs.length).toBe(blocks * 4)
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * BLOCK_SIZE)
    expect(crcOfBlocks(digests.blockCrcs, bytes.length, block, blocks)).toBe(crc32(part))
  }
}

/** Bytes without a pattern, the same in every run. */
function randomBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = 0x9e3779b9
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
