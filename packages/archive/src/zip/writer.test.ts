import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unpackZip } from '../fixtures/read-zip.ts'
import { refusalOf } from '../fixtures/refusal.ts'
import { python, run } from '../fixtures/run.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import {
  describeUnpacked,
  describeWritten,
  ODD_ENTRIES,
  outgoing,
  type WrittenEntry,
  writeArchive,
} from '../fixtures/write-archive.ts'
import { ZipWriter } from './writer.ts'

const LIST = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    print(json.dumps([[i.filename, i.file_size, i.date_time, i.external_attr >> 16] for i in z.infolist()]))`

describe('A zip that is written', () => {
  it.each(['unzip', 'bsdtar'] as const)(
    'is unpacked by %s to what went in: names, bytes, modes, times',
    (program) => {
      using folder = temporaryFolder()
      using target = temporaryFolder()
      // libarchive composes names that are marked as UTF-8 (NFC), which makes one of two in this list.
      const isKept = ({ path }: WrittenEntry) => program === 'unzip' || path === path.normalize('NFC')
      const entries = ODD_ENTRIES.filter(isKept)
      const path = written(folder.path, entries)
      if (program === 'unzip') run('unzip', ['-q', '-d', target.path, path])
      else run('bsdtar', ['-x', '-p', '-f', path, '-C', target.path])
      expect(describeUnpacked(target.path, entries)).toEqual(describeWritten(entries))
    },
  )

  it('is found sound by unzip and by Python', () => {
    using folder = temporaryFolder()
    const path = written(folder.path, [
      ...ODD_ENTRIES,
      { path: 'late', mtimeMs: Date.UTC(2090, 4, 5, 6, 7, 8) },
    ])
    expect(run('unzip', ['-t', path]).toString()).toContain('No errors detected')
    const listed = JSON.parse(python(LIST, [path])) as unknown[][]
    expect(listed.slice(0, -1).map(([name, size]) => [name, size])).toEqual(
      ODD_ENTRIES.map((entry) => [
        entry.type === 'directory' ? `${entry.path}/` : entry.path,
        entry.content?.length ?? 0,
      ]),
    )
    expect(listed.at(-1)).toEqual(['late', 0, [2090, 5, 5, 6, 7, 8], 0o100644])
  })

  it('has more entries than 16 bits count', () => {
    using folder = temporaryFolder()
    const entries = Array.from({ length: 70_000 }, (_, index) => ({
      path: `d/${index}`,
      content: Buffer.from(`${index}`),
    }))
    const path = written(folder.path, entries)
    expect(run('unzip', ['-tq', path]).toString()).toContain('No errors detected')
    expect(JSON.parse(python(LIST, [path]))).toHaveLength(70_000)
    expect(run('bsdtar', ['-tf', path]).toString().split('\n')).toHaveLength(70_001)
  })

  it('has a file of 5 GiB, and one after it, for unzip, bsdtar and Python', () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'a.zip')
    const size = 5 * 1024 ** 3
    const next = writeArchive(new ZipWriter(), [{ path: 'next', content: Buffer.from('after') }]).subarray(
      0,
      30 + 4 + 9 + 5,
    )
    const writer = new ZipWriter()
    const head = writer.header(outgoing({ path: 'big', size }))
    writeFileSync(path, head)
    truncateSync(path, head.length + size)
    writer.padding(size)
    const second = { path: 'next', size: 5, crc32: next.readUInt32LE(14) }
    writeFileSync(path, Buffer.concat([writer.header(outgoing(second)), Buffer.from('after')]), { flag: 'a' })
    writer.padding(5)
    writeFileSync(path, Buffer.concat([...writer.trailer()]), { flag: 'a' })
    expect(run('unzip', ['-p', path, 'next']).toString()).toBe('after')
    expect(run('bsdtar', ['-xOf', path, 'next']).toString()).toBe('after')
    expect(run('unzip', ['-l', path]).toString()).toMatch(/5368709120 .* big\n/)
    const program =
      'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nprint(z.getinfo("big").file_size, z.read("next"))'
    expect(python(program, [path])).toBe(`${size} b'after'\n`)
  })

  it('is a whole zip when it is empty', async () => {
    expect(await unpackZip(writeArchive(new ZipWriter(), []))).toEqual([])
  })

  it('keeps no more of its directory than it may', () => {
    const writer = new ZipWriter({ directoryBytes: 200 })
    const add = (path: string) => {
      writer.header(outgoing({ path }))
      writer.padding(0)
    }
    const refusal = refusalOf(() => ['a', 'b', 'c', 'd'].forEach(add))
    expect(refusal).toBe(
      'archive_too_large: The directory of the zip is larger than 200 bytes; ask for a tar',
    )
  })

  it('is not written past an entry whose bytes are not those announced', () => {
    const writer = new ZipWriter()
    writer.header(outgoing({ path: 'a', size: 5 }))
    expect(() => writer.padding(4)).toThrow('"a" has 4 bytes; its header says 5')
    expect(() => writer.trailer()).toThrow('"a" was not ended before the trailer')
  })
})

describe('What is written and read', () => {
  it('is the same: names, sizes, modes and seconds', async () => {
    const entry = fc.record({
      path: fc
        .string({ unit: 'binary', minLength: 1, maxLength: 300 })
        .filter(
          (path) =>
            path.isWellFormed() &&
            !path.includes('\0') &&
            !path.startsWith('./') &&
            !path.endsWith('/') &&
            path !== '.',
        ),
      type: fc.constantFrom('file' as const, 'directory' as const),
      length: fc.nat(300),
      mode: fc.integer({ min: 1, max: 0o7777 }),
      mtimeMs: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((seconds) => seconds * 1000),
    })
    const property = fc.asyncProperty(fc.array(entry, { maxLength: 10 }), async (drawn) => {
      const entries = drawn.map(({ length, ...rest }) => ({
        ...rest,
        content: Buffer.alloc(rest.type === 'file' ? length : 0, 'x'),
      }))
      const found = await unpackZip(writeArchive(new ZipWriter(), entries))
      expect(
        found.map(({ path, type, mode, mtimeMs, content }) => ({ path, type, mode, mtimeMs, content })),
      ).toEqual(entries)
    })
    await fc.assert(property)
  })
})

function written(folder: string, entries: readonly WrittenEntry[]): string {
  const path = join(folder, 'a.zip')
  writeFileSync(path, writeArchive(new ZipWriter(), entries))
  return path
}
