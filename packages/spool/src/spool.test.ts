import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ListedPack, Spool } from '@lading/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSpool } from './index.ts'

const KIB = 1024
let directory: string
let spool: Spool

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lading-spool-'))
  spool = await openSpool(directory, { lowWaterBytes: 0 })
})

afterEach(async () => {
  await spool.close()
  await rm(directory, { recursive: true })
})

async function keep(chunks: readonly Buffer[]): Promise<string> {
  const packId = randomUUID()
  await using writer = await spool.create(packId, { expectedBytes: 0 })
  for (const chunk of chunks) await writer.write(chunk)
  await writer.seal()
  return packId
}

async function read(packId: string, length: number, offset = 0): Promise<Buffer> {
  await using reader = await spool.open(packId)
  const target = Buffer.alloc(length)
  await reader.read(target, offset)
  return target
}

async function listed(): Promise<ListedPack[]> {
  const packs: ListedPack[] = []
  for await (const pack of spool.list()) packs.push(pack)
  return packs
}

async function filesLeft(): Promise<string[]> {
  return [...(await readdir(join(directory, 'incoming'))), ...(await readdir(join(directory, 'packs')))]
}

describe('a pack', () => {
  test('gives back the bytes that it took, in order, however they were cut', async () => {
    const size = fc.constantFrom(0, 1, 100, 64 * KIB, 256 * KIB, 300 * KIB, 1024 * KIB, 3000 * KIB)
    await fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 10 }), async (sizes) => {
        const chunks = sizes.map((length) => randomBytes(length))
        const whole = Buffer.concat(chunks)
        const packId = await keep(chunks)
        expect((await read(packId, whole.length)).equals(whole)).toBe(true)
        await spool.remove(packId)
      }),
      { numRuns: 25 },
    )
  })

  test('takes thousands of tiny chunks in one go, whether or not the sender waits', async () => {
    const whole = randomBytes(5000)
    const packId = randomUUID()
    await using writer = await spool.create(packId, { expectedBytes: whole.length })
    for (let at = 0; at < whole.length; at++) void writer.write(whole.subarray(at, at + 1))
    expect(writer.position).toBe(whole.length)
    await writer.seal()
    expect((await read(packId, whole.length)).equals(whole)).toBe(true)
  })

  test('that owns its chunks gives back the memory of each that is written, and leaves what is part of more', async () => {
    const packId = randomUUID()
    const whole = randomBytes(300 * KIB)
    const expected = Buffer.from(whole)
    const part = expected.subarray(0, 1000)
    await using writer = await spool.create(packId, { expectedBytes: 0, ownsChunks: true })
    await writer.write(whole)
    await writer.write(part)
    await writer.seal()
    expect(whole.length).toBe(0)
    expect(part.length).toBe(1000)
    expect((await read(packId, expected.length)).equals(expected)).toBe(true)
  })

  test('larger than what the disk is told early keeps every byte', async () => {
    const chunk = randomBytes(1024 * KIB)
    const packId = await keep(Array.from({ length: 70 }, () => chunk))
    expect((await read(packId, chunk.length, 69 * chunk.length)).equals(chunk)).toBe(true)
    expect(await listed()).toMatchObject([{ packId, size: 70 * chunk.length }])
  })

  test('may be empty', async () => {
    const packId = await keep([])
    expect(await read(packId, 0)).toHaveLength(0)
    expect(await listed()).toMatchObject([{ packId, size: 0, sealed: true }])
  })

  test('tells its sender to wait when more than 1 MiB is pending, and not before', async () => {
    await using writer = await spool.create(randomUUID(), { expectedBytes: 0 })
    for (let n = 0; n < 16; n++) expect(writer.write(Buffer.alloc(64 * KIB))).toBeUndefined()
    await expect(writer.write(Buffer.alloc(1))).resolves.toBeUndefined()
    expect(writer.position).toBe(1024 * KIB + 1)
  })

  test('cannot be opened before it is sealed', async () => {
    const packId = randomUUID()
    await using writer = await spool.create(packId, { expectedBytes: 0 })
    await writer.write(Buffer.alloc(2048 * KIB))
    await expect(spool.open(packId)).rejects.toMatchObject({ code: 'spool_lost' })
    expect(await listed()).toMatchObject([{ packId, sealed: false }])
    await writer.seal()
    expect(await listed()).toMatchObject([{ packId, sealed: true, size: 2048 * KIB }])
  })

  test('is sealed among many others at once', async () => {
    const bodies = Array.from({ length: 64 }, () => randomBytes(10 * KIB))
    const packIds = await Promise.all(bodies.map((body) => keep([body])))
    for (const [index, packId] of packIds.entries()) {
      expect((await read(packId, 10 * KIB)).equals(bodies[index] as Buffer)).toBe(true)
    }
    expect(await listed()).toHaveLength(64)
  })

  test('with an id that is not a UUID is a fault of the program', async () => {
    for (const packId of ['../x', '', 'A'.repeat(36), `${randomUUID()}/`, `../${'a'.repeat(33)}`]) {
      await expect(spool.create(packId, { expectedBytes: 0 })).rejects.toThrow('not a pack id')
      await expect(async () => spool.open(packId)).rejects.toThrow('not a pack id')
      await expect(spool.remove(packId)).rejects.toThrow('not a pack id')
      await expect(spool.removePartial(packId)).rejects.toThrow('not a pack id')
    }
  })
})

describe('a pack that is given up', () => {
  test.each([0, 10, 300, 5000])('after %i KiB leaves no file and no reservation', async (kib) => {
    const writer = await spool.create(randomUUID(), { expectedBytes: 9000 * KIB })
    expect((await spool.space()).reserved).toBe(9000 * KIB)
    void writer.write(Buffer.alloc(kib * KIB))
    await writer.discard()
    await writer.discard()
    expect(await filesLeft()).toEqual([])
    expect((await spool.space()).reserved).toBe(0)
  })

  test('by leaving its scope leaves no file', async () => {
    const failing = async () => {
      await using writer = await spool.create(randomUUID(), { expectedBytes: 0 })
      await writer.write(Buffer.alloc(3000 * KIB))
      throw new Error('the client went away')
    }
    await expect(failing()).rejects.toThrow('the client went away')
    expect(await filesLeft()).toEqual([])
  })

  test('while or after it is sealed is gone as well', async () => {
    const writer = await spool.create(randomUUID(), { expectedBytes: 0 })
    await writer.write(Buffer.alloc(3000 * KIB))
    const sealed = writer.seal()
    await writer.discard()
    await sealed
    expect(await filesLeft()).toEqual([])
  })

  test('because its id is taken leaves the other alone', async () => {
    const packId = randomUUID()
    await using first = await spool.create(packId, { expectedBytes: 0 })
    await first.write(Buffer.alloc(300 * KIB, 1))
    const second = await spool.create(packId, { expectedBytes: 0 })
    await expect(second.seal()).rejects.toMatchObject({ code: 'spool_unavailable' })
    await second.discard()
    await first.seal()
    expect((await read(packId, 1))[0]).toBe(1)
  })

  test('keeps what it reserved until then, and what it wrote is no longer reserved', async () => {
    await using writer = await spool.create(randomUUID(), { expectedBytes: 3000 * KIB })
    await writer.write(Buffer.alloc(2000 * KIB))
    expect((await spool.space()).reserved).toBe(1000 * KIB)
    await writer.seal()
    expect((await spool.space()).reserved).toBe(0)
  })
})

describe('reading', () => {
  test('takes slices at any offset, several at once', async () => {
    const whole = randomBytes(2000 * KIB)
    const packId = await keep([whole])
    await using reader = await spool.open(packId)
    await Promise.all(
      [0, 1, 777, 1999 * KIB].map(async (offset) => {
        const target = Buffer.alloc(KIB)
        await reader.read(target, offset)
        expect(target.equals(whole.subarray(offset, offset + KIB))).toBe(true)
      }),
    )
  })

  test('of a pack that was cut fails as damaged, and tells where it ends', async () => {
    const packId = await keep([Buffer.alloc(1000)])
    await truncate(join(directory, 'packs', packId), 600)
    await expect(read(packId, 300, 500)).rejects.toMatchObject({
      code: 'spool_damaged',
      detail: `pack ${packId} ends at byte 600; 200 more belong to the file`,
    })
    expect(await read(packId, 300, 300)).toHaveLength(300)
  })

  test('of a pack that was removed fails as lost, and removing it again is success', async () => {
    const packId = await keep([Buffer.alloc(10)])
    await spool.remove(packId)
    await spool.remove(packId)
    await spool.removePartial(packId)
    await expect(spool.open(packId)).rejects.toMatchObject({ code: 'spool_lost' })
  })
})

describe('space', () => {
  test('is refused below the low-water mark, before anything is written', async () => {
    await using full = Object.assign(await openSpool(directory, { lowWaterBytes: Number.MAX_SAFE_INTEGER }), {
      [Symbol.asyncDispose]: async () => full.close(),
    })
    await expect(full.create(randomUUID(), { expectedBytes: 0 })).rejects.toMatchObject({
      code: 'spool_full',
    })
    expect((await full.space()).available).toBe(0)
    expect(await filesLeft()).toEqual([])
  })

  test('is refused to a request that is larger than the disk', async () => {
    await expect(spool.create(randomUUID(), { expectedBytes: 2 ** 52 })).rejects.toMatchObject({
      code: 'spool_full',
    })
    expect((await spool.space()).reserved).toBe(0)
  })

  test('counts all packs as used, sealed or not', async () => {
    await keep([Buffer.alloc(1000)])
    await using writer = await spool.create(randomUUID(), { expectedBytes: 0 })
    await writer.write(Buffer.alloc(2000 * KIB))
    const { used, free, available } = await spool.space()
    expect(used).toBe(1000 + 2000 * KIB)
    expect(free).toBeGreaterThan(0)
    expect(available).toBe(free)
  })
})

describe('a spool', () => {
  test('lists packs only, and passes over what else lies there', async () => {
    await writeFile(join(directory, 'packs', 'lost+found'), '')
    const packId = await keep([Buffer.alloc(1)])
    expect(await listed()).toMatchObject([{ packId, modifiedAt: expect.any(Date) }])
  })

  test('proves that it can be written, and leaves nothing behind', async () => {
    await spool.check()
    expect(await filesLeft()).toEqual([])
  })

  test('fails its check when another directory, or none, is in its place', async () => {
    await writeFile(join(directory, 'spool-id'), `${randomUUID()}\n`)
    await expect(spool.check()).rejects.toMatchObject({ code: 'spool_unavailable' })
    await rm(join(directory, 'spool-id'))
    await expect(spool.check()).rejects.toMatchObject({ code: 'spool_unavailable' })
  })

  test('fails to open on a file, and on an id that is damaged', async () => {
    const options = { lowWaterBytes: 0 }
    await expect(openSpool(join(directory, 'spool-id'), options)).rejects.toMatchObject({
      code: 'spool_unavailable',
    })
    await writeFile(join(directory, 'spool-id'), 'half an i')
    await expect(openSpool(directory, options)).rejects.toMatchObject({ code: 'spool_unavailable' })
  })

  test('keeps its id, and makes the directories above it', async () => {
    const nested = join(directory, 'a', 'b')
    const first = await openSpool(nested, { lowWaterBytes: 0 })
    const again = await openSpool(nested, { lowWaterBytes: 0 })
    expect(again.id).toBe(first.id)
    expect(first.id).not.toBe(spool.id)
    expect(await readFile(join(nested, 'spool-id'), 'utf8')).toBe(`${first.id}\n`)
    expect((await readdir(nested)).sort()).toEqual(['growing', 'incoming', 'packs', 'spool-id'])
    await Promise.all([first.close(), again.close()])
  })
})

describe('a pack that grows', () => {
  test('goes on at the bytes that were promised, and drops what was written beyond', async () => {
    const packId = randomUUID()
    {
      await using first = await spool.grow(packId, { from: 0, expectedBytes: 10 })
      await first.write(Buffer.from('promised, and not'))
      await first.sync()
    }
    await using second = await spool.grow(packId, { from: 8, expectedBytes: 10 })
    await second.write(Buffer.from(' and kept'))
    await second.seal()
    await using pack = await spool.open(packId)
    const bytes = Buffer.alloc(17)
    await pack.read(bytes, 0)
    expect(bytes.toString()).toBe('promised and kept')
  })

  test('that was sealed by a process which died thereafter is sealed', async () => {
    const packId = randomUUID()
    for (const from of [0, 4]) {
      await using pack = await spool.grow(packId, { from, expectedBytes: 4 })
      if (from === 0) await pack.write(Buffer.from('four'))
      await pack.seal()
    }
    await (await spool.open(packId)).close()
  })

  test('whose promised bytes are gone is lost', async () => {
    const grow = spool.grow(randomUUID(), { from: 5, expectedBytes: 1 })
    await expect(grow).rejects.toMatchObject({ code: 'spool_lost' })
  })
})
