import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listZip, unpackZip } from '../fixtures/read-zip.ts'
import { refusalOfAsync } from '../fixtures/refusal.ts'
import { extra, wide, type ZipMember, zipBytes } from '../fixtures/zip-bytes.ts'
import { readZipDirectory } from './read-directory.ts'

const X = Buffer.from('content')
const list = async (...members: readonly ZipMember[]) => await listZip(zipBytes({ members }))

describe('The directory of a zip', () => {
  it('has files as slices, stored or deflated, and directories', async () => {
    const members = [
      { name: 'd/', attributes: (0o040700 << 16) | 0x10 },
      { name: 'd/stored', content: X, attributes: 0o100640 << 16 },
      { name: 'd/deflated', content: X, method: 8 },
    ]
    expect(await unpackZip(zipBytes({ members }))).toMatchObject([
      { path: 'd', type: 'directory', size: 0, mode: 0o700 },
      { path: 'd/stored', type: 'file', method: 'stored', size: 7, crc32: crc32(X), mode: 0o640, content: X },
      { path: 'd/deflated', type: 'file', method: 'deflated', size: 7, mode: undefined, content: X },
    ])
  })

  it('may be empty, have a comment, and follow bytes that no entry claims', async () => {
    expect(await list()).toEqual([])
    const comment = Buffer.alloc(65_535, 'comment')
    expect(await listZip(zipBytes({ members: [{ content: X }], comment }))).toHaveLength(1)
    const before = Buffer.from('#!/bin/sh\n')
    expect(await unpackZip(zipBytes({ members: [{ content: X }], before }))).toMatchObject([{ content: X }])
  })

  it('may be followed by zeros, with which bsdtar fills the last block of a pipe', async () => {
    for (const count of [1, 22, 9999, 65_000]) {
      const padded = Buffer.concat([zipBytes({ members: [{ content: X }] }), Buffer.alloc(count)])
      expect(await unpackZip(padded)).toMatchObject([{ path: 'file', content: X }])
    }
  })

  it('leaves out the root and the "./" before names', async () => {
    expect((await list({ name: './' }, { name: './a' }, { name: './d/' })).map(({ path }) => path)).toEqual([
      'a',
      'd',
    ])
  })

  it('keeps names that lead elsewhere as they are, for the rules of paths to refuse', async () => {
    const names = ['../x', '/etc/passwd', 'a\\b', 'C:/x', 'a//b']
    expect((await list(...names.map((name) => ({ name })))).map(({ path }) => path)).toEqual(names)
  })

  it('has UTF-8 names by their flag, by their Unicode path, and from Unix', async () => {
    const latin = Buffer.from('é', 'latin1')
    const unicode = Buffer.concat([Buffer.from([1]), uint32(crc32(latin)), Buffer.from('é')])
    const members = [
      { name: 'é-flag', flags: 0x800, madeBy: 20 },
      { name: latin, madeBy: 20, extra: extra(0x7075, unicode) },
      { name: 'é-unix' },
    ]
    expect((await list(...members)).map(({ path }) => path)).toEqual(['é-flag', 'é', 'é-unix'])
  })

  it('has times of Unix, of NTFS and of DOS, in that order', async () => {
    const unix = extra(0x5455, Buffer.concat([Buffer.from([1]), uint32(1_000_000_001)]))
    const ticks = (BigInt(1_500_000_000_123) + 11_644_473_600_000n) * 10_000n
    const ntfs = extra(
      0x000a,
      Buffer.concat([Buffer.from('000000000100180000'.slice(0, 16), 'hex'), wide(ticks, 0, 0)]),
    )
    const dos = { dosDate: ((2020 - 1980) << 9) | (2 << 5) | 3, dosTime: (4 << 11) | (5 << 5) | 3 }
    const members = [
      { ...dos, extra: Buffer.concat([ntfs, unix]) },
      { ...dos, extra: ntfs },
      dos,
      { dosDate: 0 },
    ]
    expect((await list(...members)).map(({ mtimeMs }) => mtimeMs)).toEqual([
      1_000_000_001_000,
      1_500_000_000_123,
      Date.UTC(2020, 1, 3, 4, 5, 6),
      Date.UTC(1980, 0, 1),
    ])
  })

  it('takes a directory whose mode is that of a file, and the mode that 7-Zip writes as if on DOS', async () => {
    expect(await list({ name: 'd/', attributes: 0o100644 << 16 })).toMatchObject([{ type: 'directory' }])
    expect(await list({ madeBy: 20, attributes: (0o100600 << 16) | 0x8000 })).toMatchObject([{ mode: 0o600 }])
    expect(await list({ madeBy: 20, attributes: 0o100600 << 16 })).toMatchObject([{ mode: undefined }])
  })

  it('takes zip64 numbers where their own place is full, and a header that has them without need', async () => {
    const local = (header: Buffer) => header.writeUInt32LE(0, 14)
    const member = { content: X, size: 0xffffffff, compressedSize: 0xffffffff, extra: extra(1, wide(7, 7)) }
    const descriptor = { ...member, flags: 8, local: (header: Buffer) => header.fill(0, 14, 26) }
    expect(await unpackZip(zipBytes({ members: [descriptor, { name: 'next', content: X }] }))).toMatchObject([
      { size: 7, compressedSize: 7, content: X },
      { path: 'next', content: X },
    ])
    expect(await refusalOfAsync(() => list({ ...member, local }))).toContain(
      'has one CRC-32 in the directory',
    )
  })

  it('may have entries in another order than their bytes', async () => {
    const first = zipBytes({ members: [{ name: 'a', content: X }] }).readUInt32LE(0)
    expect(first).toBe(0x04034b50)
    const length = 30 + 1 + X.length
    const members = [
      { name: 'b', content: X, offset: length },
      { name: 'a', content: X, offset: 0 },
    ]
    const ordered = zipBytes({
      members: [
        { name: 'a', content: X },
        { name: 'b', content: X },
      ],
    })
    const archive = Buffer.concat([
      ordered.subarray(0, 2 * length),
      zipBytes({ members }).subarray(2 * length),
    ])
    expect((await unpackZip(archive)).map(({ path, offset }) => [path, offset])).toEqual([
      ['b', length + 31],
      ['a', 31],
    ])
  })

  it('is read by few reads of small size', async () => {
    const members = Array.from({ length: 2000 }, (_, index) => ({ name: `file-${index}`, content: X }))
    const archive = zipBytes({ members })
    const reads: number[] = []
    const read = async (target: Buffer, offset: number) => {
      reads.push(target.length)
      archive.copy(target, 0, offset)
    }
    let count = 0
    for await (const _ of readZipDirectory(read, archive.length, { entries: 2000, bytes: 1e6, ratio: 10 }))
      count++
    expect(count).toBe(2000)
    expect(Math.max(...reads)).toBeLessThanOrEqual(65_577)
    expect(reads.length).toBeLessThan(12)
  })

  it('passes on what reading throws', async () => {
    const fault = new Error('EIO')
    const entries = readZipDirectory(() => Promise.reject(fault), 100, { entries: 1, bytes: 1, ratio: 1 })
    await expect(entries.next()).rejects.toBe(fault)
  })
})

describe('A zip that was tampered with', () => {
  const members = [
    { name: 'a/', attributes: 0o040755 << 16 },
    { name: 'a/b', content: X, method: 8, extra: extra(0x5455, Buffer.from([1, 0, 0, 0, 0])) },
    {
      name: 'wide',
      content: X,
      size: 0xffffffff,
      compressedSize: 0xffffffff,
      extra: extra(1, wide(7, 7)),
      flags: 8,
      local: (header: Buffer) => header.fill(0, 14, 26),
    },
  ]
  const whole = zipBytes({ members, comment: Buffer.from('PK') })
  const words = /^(accepted$|archive_(malformed|incomplete|entry_refused|too_large): )/

  it("is read, or refused as a client's mistake, and no byte outside of it is asked for", async () => {
    const change = fc.record({
      at: fc.nat(whole.length - 1),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 255)),
    })
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      const archive = Buffer.from(whole)
      for (const { at, byte } of changes) archive[at] = byte
      expect(await refusalOfAsync(() => listZip(archive))).toMatch(words)
    })
    await fc.assert(property, { numRuns: 3000 })
  })

  it('is incomplete at whichever byte it is cut', async () => {
    const archive = zipBytes({ members })
    expect(await refusalOfAsync(() => listZip(archive))).toBe('accepted')
    for (let length = 4; length < archive.length; length++) {
      expect(await refusalOfAsync(() => listZip(archive.subarray(0, length)))).toMatch(
        /^archive_incomplete: The zip/,
      )
    }
    for (let length = 0; length < 4; length++) {
      expect(await refusalOfAsync(() => listZip(archive.subarray(0, length)))).toMatch(
        /^archive_malformed: The zip/,
      )
    }
  })
})

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}
