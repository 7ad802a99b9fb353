import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bitLength, PureSha256 } from './pure-sha256.ts'

test('takes the SHA-256 that native code takes, of any length and in any pieces', () => {
  for (let length = 0; length < 300; length++) {
    const bytes = randomBytes(length)
    const hash = new PureSha256()
    for (let at = 0; at < length; ) {
      const end = at + 1 + Math.floor(Math.random() * 100)
      hash.update(bytes.subarray(at, end))
      at = end
    }
    expect([length, hash.hex()]).toEqual([length, createHash('sha256').update(bytes).digest('hex')])
  }
})

test('a copy goes on by itself', () => {
  const hash = new PureSha256()
  hash.update(Buffer.from('a'.repeat(100)))
  const copy = hash.copy()
  copy.update(Buffer.from('b'))
  expect(copy.hex()).toBe(sha256(`${'a'.repeat(100)}b`))
  expect(hash.hex()).toBe(sha256('a'.repeat(100)))
})

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

test('counts the bits of messages beyond 512 MiB', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 53 - 1), (bytes) => {
      const counted = Buffer.from(bitLength(bytes)).readBigUInt64BE()
      return counted === BigInt(bytes) * 8n
    }),
    { examples: [[2 ** 29 - 1], [2 ** 29], [2 ** 32], [2 ** 53 - 1]] },
  )
})
