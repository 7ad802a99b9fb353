import { createHash, createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { KeyedSha256 } from './keyed-sha256.ts'

async function digestOf(hash: KeyedSha256, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  for (const piece of pieces) hash.update(piece)
  return Buffer.from(await hash.digest()).toString('hex')
}

it('hashes as SHA-256 does', async () => {
  expect(await digestOf(new KeyedSha256(), 'a', Buffer.from('b'))).toBe(
    createHash('sha256').update('ab').digest('hex'),
  )
})

it('signs with the key that it is given, each time, whatever it signed with before', async () => {
  const derived = [new Uint8Array(32).fill(1), new Uint8Array(40).subarray(8).fill(2)]
  for (const key of ['one', 'another', 'one', ...derived, ...derived]) {
    const expected = createHmac('sha256', key).update('text').digest('hex')
    expect(await digestOf(new KeyedSha256(key), 'te', 'xt')).toBe(expected)
  }
})

it('begins anew after a reset, with its key', async () => {
  const hash = new KeyedSha256('key')
  hash.update('dropped')
  hash.reset()
  expect(await digestOf(hash, 'text')).toBe(createHmac('sha256', 'key').update('text').digest('hex'))
})
