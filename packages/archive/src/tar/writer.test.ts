import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexTar } from '../fixtures/index-tar.ts'
import { python, run } from '../fixtures/run.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import {
  describeUnpacked,
  describeWritten,
  ODD_ENTRIES,
  outgoing,
  writeArchive,
} from '../fixtures/write-archive.ts'
import { TarWriter } from './writer.ts'

describe('A tar that is written', () => {
  it.each(['tar', 'bsdtar'] as const)(
    'is unpacked by %s to what went in: names, bytes, modes and times',
    (program) => {
      using folder = temporaryFolder()
      const input = writeArchive(new TarWriter(), ODD_ENTRIES)
      run(program, ['-x', '-p', '-f', '-', '-C', folder.path], { input })
      expect(describeUnpacked(folder.path, ODD_ENTRIES)).toEqual(describeWritten(ODD_ENTRIES))
    },
  )

  it.each(['tar', 'bsdtar'] as const)('is listed by %s in the order it was written', (program) => {
    const input = writeArchive(new TarWriter(), ODD_ENTRIES)
    const flags = program === 'tar' ? ['--quoting-style=literal'] : []
    const listing = run(program, ['-t', ...flags, '-f', '-'], { input }).toString()
    const names = ODD_ENTRIES.map(({ path, type }) => (type === 'directory' ? `${path}/` : path))
    expect(listing).toBe(`${names.join('\n')}\n`)
  })

  it("is read by Python's tarfile", () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'a.tar')
    writeFileSync(path, writeArchive(new TarWriter(), ODD_ENTRIES))
    const program =
      'import json, sys, tarfile\nprint(json.dumps([[m.name, m.size] for m in tarfile.open(sys.argv[1])]))'
    expect(JSON.parse(python(program, [path]))).toEqual(
      ODD_ENTRIES.map(({ path, content }) => [path, content?.length ?? 0]),
    )
  })

  it.each(['tar', 'bsdtar'] as const)(
    'holds a file of 9 GiB for %s, and finds the one after it',
    (program) => {
      using folder = temporaryFolder()
      const path = join(folder.path, 'big.tar')
      const size = 9 * 1024 ** 3 + 1
      const writer = new TarWriter()
      writeFileSync(path, writer.header(outgoing({ path: 'big', size })))
      truncateSync(path, Buffer.byteLength(writer.padding(size)) + size + 3 * 512)
      writeFileSync(path, writer.header(outgoing({ path: 'next' })), { flag: 'a' })
      writeFileSync(path, Buffer.concat([writer.padding(0), ...writer.trailer()]), { flag: 'a' })
      const listing = run(program, ['-tvf', path]).toString()
      expect(listing).toMatch(new RegExp(`^\\S+ .* ${size} .* big\\n.* 0 .* next\\n$`))
    },
  )

  it('says of nothing but entries that no reader could follow that they are wrong', () => {
    const writer = new TarWriter()
    expect(() => writer.padding(0)).toThrow('padding before header')
    writer.header(outgoing({ path: 'a', size: 5 }))
    expect(() => writer.header(outgoing({ path: 'b' }))).toThrow('"a" was not ended before the header of "b"')
    expect(() => writer.trailer()).toThrow('"a" was not ended before the trailer')
    expect(() => writer.padding(4)).toThrow('"a" has 4 bytes; its header says 5')
    writer.padding(5)
    expect(() => writer.header(outgoing({ path: '' }))).toThrow('needs a name')
    expect(() => writer.header(outgoing({ path: 'd', type: 'directory', size: 1 }))).toThrow(
      'size of 1 bytes',
    )
    writer.trailer()
    expect(() => writer.header(outgoing({ path: 'b' }))).toThrow('was ended before the header of "b"')
  })
})

describe('What is written and indexed', () => {
  it('is the same: names, sizes, modes and seconds', () => {
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
      length: fc.nat(1500),
      mode: fc.nat(0o7777),
      mtimeMs: fc
        .integer({ min: Date.UTC(1000, 0, 1) / 1000, max: Date.UTC(9000, 0, 1) / 1000 })
        .map((s) => s * 1000),
    })
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 10 }), (drawn) => {
        const entries = drawn.map(({ length, ...rest }) => ({
          ...rest,
          content: Buffer.alloc(rest.type === 'file' ? length : 0, 'x'),
        }))
        const index = indexTar([writeArchive(new TarWriter(), entries)])
        expect(
          index.map(({ path, type, mode, mtimeMs, content }) => ({ path, type, mode, mtimeMs, content })),
        ).toEqual(entries)
      }),
    )
  })
})
