import { open } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readFault, writeFault } from './spool-fault.ts'
import { after } from './write-all.ts'

async function failureOf(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

test('a disk without room is told from one that fails', async () => {
  const noRoom = await failureOf(async () => {
    await using device = await open('/dev/full', 'r+')
    await device.write('x')
  })
  expect(writeFault(noRoom)).toMatchObject({ code: 'spool_full', cause: noRoom, retryable: true })
  const noDirectory = await failureOf(() => open('/nowhere/x', 'w'))
  expect(writeFault(noDirectory)).toMatchObject({
    code: 'spool_unavailable',
    cause: noDirectory,
    retryable: true,
  })
})

test('a pack that is not there is told from one that cannot be read', async () => {
  const absent = await failureOf(() => open('/nowhere/x', 'r'))
  expect(readFault('p', absent)).toMatchObject({ code: 'spool_lost', retryable: false })
  const directory = await failureOf(async () => {
    await using handle = await open('/', 'r')
    await handle.read(Buffer.alloc(1), 0, 1, 0)
  })
  expect(readFault('p', directory)).toMatchObject({ code: 'spool_unavailable', retryable: true })
})

test('after a short write exactly the bytes that were not taken are left', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1 })), fc.nat(60), (arrays, taken) => {
      const chunks = arrays.map((array) => Buffer.from(array))
      const whole = Buffer.concat(chunks)
      expect(Buffer.concat(after(chunks, taken)).equals(whole.subarray(taken))).toBe(true)
    }),
  )
})
