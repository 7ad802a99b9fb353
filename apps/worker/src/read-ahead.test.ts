import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId, type PackReader, type Spool } from '@lading/core'
import { openSpool } from '@lading/spool'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ReadAhead } from './read-ahead.ts'

const KIB = 1024
const SIZE = 1024 * KIB
const bytes = randomBytes(SIZE)
const packId = newId()
let folder: string
let spool: Spool
let pack: PackReader

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lading-read-ahead-'))
  spool = await openSpool(folder, { lowWaterBytes: 0 })
  await using writer = await spool.create(packId, { expectedBytes: SIZE })
  await writer.write(bytes)
  await writer.seal()
  pack = await spool.open(packId)
})
afterAll(async () => {
  await pack.close()
  await spool.close()
  await rm(folder, { recursive: true })
})

const slices = fc.record({ offset: fc.nat(SIZE), size: fc.oneof(fc.nat(20 * KIB), fc.nat(200 * KIB)) })

test('whatever is read, in whatever order and however many at once, is what lies there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(slices, { maxLength: 40 }), fc.nat(SIZE), async (reads, end) => {
      const reader = new ReadAhead(pack, end)
      await Promise.all(
        reads.map(async ({ offset, size }) => {
          const target = Buffer.alloc(Math.min(size, SIZE - offset))
          await reader.read(target, offset)
          expect(target.equals(bytes.subarray(offset, offset + target.length))).toBe(true)
        }),
      )
    }),
  )
})

test('small files behind one another take few reads', async () => {
  const sizes: number[] = []
  const counted: PackReader = {
    packId,
    path: undefined,
    read: (target, offset) => {
      sizes.push(target.length)
      return pack.read(target, offset)
    },
    close: () => pack.close(),
    [Symbol.asyncDispose]: () => pack.close(),
  }
  const reader = new ReadAhead(counted, 500 * KIB)
  for (let file = 0; file < 50; file++) await reader.read(Buffer.alloc(10 * KIB), file * 10 * KIB)
  expect(sizes).toEqual([256 * KIB, 250 * KIB])
})

test('where a pack ends too soon, the files before its end are read all the same', async () => {
  const file = await open(join(folder, 'packs', packId), 'r+')
  await file.truncate(100)
  try {
    const reader = new ReadAhead(pack, 1_000)
    const target = Buffer.alloc(60)
    await reader.read(target, 40)
    expect(target.equals(bytes.subarray(40, 100))).toBe(true)
    await expect(reader.read(Buffer.alloc(61), 40)).rejects.toMatchObject({ code: 'spool_damaged' })
  } finally {
    await file.write(bytes, 0, SIZE, 0)
    await file.close()
  }
})
