import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitAt } from '../fixtures/chunks.ts'
import { indexTar } from '../fixtures/index-tar.ts'
import { refusalOf } from '../fixtures/refusal.ts'
import { python, run } from '../fixtures/run.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { describeEntries, describeFolder, plant, trees } from '../fixtures/trees.ts'

const SHORT = { segmentBytes: 15, depth: 5 }
const LONG = { segmentBytes: 255, depth: 7 }

/** Every format that a program writes, whether its times have fractions, and the names that it can hold. */
const FORMATS = [
  { program: 'tar', format: 'v7', fractions: false, shape: SHORT },
  { program: 'tar', format: 'oldgnu', fractions: false, shape: LONG },
  { program: 'tar', format: 'gnu', fractions: false, shape: LONG },
  { program: 'tar', format: 'ustar', fractions: false, shape: SHORT },
  { program: 'tar', format: 'pax', fractions: true, shape: LONG },
  { program: 'bsdtar', format: 'v7', fractions: false, shape: SHORT },
  { program: 'bsdtar', format: 'gnutar', fractions: false, shape: LONG },
  { program: 'bsdtar', format: 'ustar', fractions: false, shape: SHORT },
  { program: 'bsdtar', format: 'pax', fractions: true, shape: LONG },
] as const

describe.each(FORMATS)(
  'A tree packed by $program --format=$format',
  ({ program, format, fractions, shape }) => {
    it('has the index that the tree on disk has, however its bytes arrive', () => {
      const property = fc.property(
        trees(shape),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        (entries, cuts) => {
          using folder = temporaryFolder()
          plant(folder.path, entries)
          const archive = run(program, ['-c', `--format=${format}`, '-f', '-', '-C', folder.path, '.'])
          const expected = describeFolder(folder.path).map((entry) => ({
            ...entry,
            mtimeMs: fractions ? entry.mtimeMs : Math.floor(entry.mtimeMs / 1000) * 1000,
          }))
          const index = indexTar([archive])
          expect(describeEntries(index)).toEqual(expected)
          for (const { offset, content } of index) {
            expect(archive.subarray(offset, offset + content.length).equals(content)).toBe(true)
          }
          const places = cuts.map((share) => Math.floor(share * archive.length)).sort((a, b) => a - b)
          expect(indexTar(splitAt(archive, ...places))).toEqual(index)
        },
      )
      fc.assert(property, { numRuns: 12 })
    })
  },
)

describe("GNU tar's own listing", () => {
  it.each(['gnu', 'pax', 'ustar', 'v7'])('says the same as the index, line by line: %s', (format) => {
    const property = fc.property(trees(SHORT), (entries) => {
      using folder = temporaryFolder()
      plant(folder.path, entries)
      const archive = run('tar', ['-c', `--format=${format}`, '-C', folder.path, '.'])
      const flags = ['-tv', '--numeric-owner', '--full-time', '--utc', '--quoting-style=literal']
      const listing = run('tar', [...flags, '-f', '-'], { input: archive }).toString()
      // Mode, owner, size, date, time and name, as in "-rw-r--r-- 0/0   3 2026-01-02 03:04:05.5 a b".
      const lines = listing.split('\n').filter((line) => line !== '')
      const listed = lines.map((line) =>
        /^(\S{10}) \S+ +(\d+) (\S+ \S+?)(\.\d+)? +(\.\/.*)$/.exec(line)?.slice(1),
      )
      const indexed = indexTar([archive]).map((entry) => {
        const time = new Date(Math.floor(entry.mtimeMs / 1000) * 1000)
          .toISOString()
          .slice(0, 19)
          .replace('T', ' ')
        const name = entry.type === 'directory' ? `./${entry.path}/` : `./${entry.path}`
        return [letters(entry), String(entry.size), time, name]
      })
      expect(indexed).toEqual(
        listed
          .filter((line) => line?.[4] !== './')
          .map((line) => [line?.[0], line?.[1], line?.[2], line?.[4]]),
      )
    })
    fc.assert(property, { numRuns: 8 })
  })
})

describe("Archives of Python's tarfile", () => {
  it.each(['USTAR_FORMAT', 'GNU_FORMAT', 'PAX_FORMAT'])('are indexed as tarfile reads them: %s', (format) => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'a.tar')
    const program = `
import io, json, sys, tarfile
path, format = sys.argv[1], getattr(tarfile, sys.argv[2])
with tarfile.open(path, 'w', format=format) as tar:
    for name, data in (('a/é.txt', b'x' * 512), ('long/' * 18 + 'f', b''), ('-', b'1')):
        info = tarfile.TarInfo(name)
        info.size, info.mtime = len(data), 1234567890
        tar.addfile(info, io.BytesIO(data))
with tarfile.open(path) as tar:
    print(json.dumps([[m.name, m.size, m.offset_data, m.mode, m.mtime * 1000] for m in tar]))`
    const expected = JSON.parse(python(program, [path, format])) as unknown
    const index = indexTar([readFileSync(path)])
    expect(index.map((entry) => [entry.path, entry.size, entry.offset, entry.mode, entry.mtimeMs])).toEqual(
      expected,
    )
  })
})

describe("GNU tar's sparse files", () => {
  it.each(['gnu', 'pax'])('are refused with the name of the file: --format=%s', (format) => {
    using folder = temporaryFolder()
    python('import sys; f = open(sys.argv[1], "wb"); f.truncate(1 << 20)', [join(folder.path, 'holes')])
    const archive = run('tar', ['-c', '--sparse', `--format=${format}`, '-C', folder.path, '.'])
    expect(refusalOf(() => indexTar([archive]))).toMatch(
      /^archive_entry_refused: Entry 2 \(".*holes"\) is .*sparse/,
    )
  })
})

function letters({ type, mode }: { readonly type: string; readonly mode: number }): string {
  const bits = Array.from('rwxrwxrwx', (letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'))
  return (type === 'directory' ? 'd' : '-') + bits.join('')
}
