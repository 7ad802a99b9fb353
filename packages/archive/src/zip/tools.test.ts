import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unpackZip } from '../fixtures/read-zip.ts'
import { refusalOfAsync } from '../fixtures/refusal.ts'
import { python, run } from '../fixtures/run.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { describeEntries, describeFolder, plant, trees } from '../fixtures/trees.ts'

/** Python's zipfile, with the times of files as DOS has them. */
const ZIPFILE = `
import os, sys, zipfile
folder, archive, method = sys.argv[1], sys.argv[2], getattr(zipfile, sys.argv[3])
with zipfile.ZipFile(sys.stdout.buffer if archive == '-' else archive, 'w', method) as z:
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(parent, name)
            z.write(path, os.path.relpath(path, folder))`

const PACKERS = {
  'zip, deflated': (from: string, to: string) => run('zip', ['-qr', to, '.'], { cwd: from }),
  'zip, stored': (from: string, to: string) => run('zip', ['-qr0', to, '.'], { cwd: from }),
  'bsdtar, with descriptors': (from: string, to: string) =>
    run('bsdtar', ['-c', '--format=zip', '-f', to, '-C', from, '.']),
  'Python, deflated': (from: string, to: string) => python(ZIPFILE, [from, to, 'ZIP_DEFLATED']),
  'Python, stored': (from: string, to: string) => python(ZIPFILE, [from, to, 'ZIP_STORED']),
} as const

describe('A tree packed as zip', () => {
  it.each(Object.entries(PACKERS))('has entries that inflate to its files: by %s', async (packer, pack) => {
    // Only Info-ZIP's field has seconds of Unix; DOS counts in twos.
    const step = packer.startsWith('Python') ? 2000 : 1000
    const cut = (mtimeMs: number) => Math.floor(mtimeMs / step) * step
    const property = fc.asyncProperty(trees({ segmentBytes: 255, depth: 6 }), async (entries) => {
      fc.pre(entries.length > 0)
      using folder = temporaryFolder()
      using target = temporaryFolder()
      plant(folder.path, entries)
      const archive = join(target.path, 'a.zip')
      pack(folder.path, archive)
      const found = await unpackZip(readFileSync(archive))
      const expected = describeFolder(folder.path).map((entry) => ({ ...entry, mtimeMs: cut(entry.mtimeMs) }))
      expect(describeEntries(found)).toEqual(expected)
    })
    await fc.assert(property, { numRuns: 5 })
  })
})

/** What Python says of each entry; a name without the flag of UTF-8 is taken for CP437 by it. */
const LISTING = `
import io, json, sys, zipfile
data = sys.stdin.buffer.read()
def entry(i):
    name = i.orig_filename.encode('utf-8' if i.flag_bits & 0x800 else 'cp437').decode()
    lengths = data[i.header_offset + 26:i.header_offset + 30]
    begin = i.header_offset + 30 + int.from_bytes(lengths[:2], 'little') + int.from_bytes(lengths[2:], 'little')
    mode = i.external_attr >> 16 & 0o7777
    return [name, {0: 'stored', 8: 'deflated'}[i.compress_type], i.file_size, i.compress_size, i.CRC, mode, begin]
print(json.dumps([entry(i) for i in zipfile.ZipFile(io.BytesIO(data)).infolist()]))`

/** As each is used in front of curl; Python and bsdtar cannot go back in a pipe to tell sizes in headers. */
const PIPED = {
  zip: (from: string) => run('zip', ['-qr', '-', '.'], { cwd: from }),
  bsdtar: (from: string) => run('bsdtar', ['-a', '-cf', '-', '--format', 'zip', '-C', from, '.']),
  Python: (from: string) => run('python3', ['-c', ZIPFILE, from, '-', 'ZIP_DEFLATED']),
} as const

describe("The listing of Python's zipfile", () => {
  it.each(Object.entries(PIPED))(
    'says the same as the index, entry by entry, of what goes through a pipe: by %s',
    async (_packer, pack) => {
      const property = fc.asyncProperty(trees({ segmentBytes: 255, depth: 5 }), async (entries) => {
        fc.pre(entries.length > 0)
        using folder = temporaryFolder()
        plant(folder.path, entries)
        const archive = pack(folder.path)
        const listed = JSON.parse(python(LISTING, [], { input: archive })) as [string, ...unknown[]][]
        const index = (await unpackZip(archive)).map((entry) => {
          const name = entry.type === 'directory' ? `${entry.path}/` : entry.path
          const { method, size, compressedSize, crc32, mode, offset } = entry
          return [name, method, size, compressedSize, crc32, mode, offset]
        })
        const named = listed.map(([name, ...facts]) => [name.replace(/^\.\//, ''), ...facts])
        expect(index).toEqual(named.filter(([name]) => name !== ''))
      })
      await fc.assert(property, { numRuns: 5 })
    },
  )
})

describe('A zip from standard input', () => {
  it('is read: its sizes stand in descriptors after the bytes', async () => {
    using folder = temporaryFolder()
    const archive = join(folder.path, 'a.zip')
    run('bsdtar', ['-c', '--format=zip', '-f', archive, '@-'], { input: tarOfTwo(folder.path) })
    expect(await unpackZip(readFileSync(archive))).toMatchObject([
      { path: 'one', method: 'deflated' },
      { path: 'two' },
    ])
  })
})

describe('Symbolic links in a zip', () => {
  it('are refused with their name', async () => {
    using folder = temporaryFolder()
    const archive = join(folder.path, 'a.zip')
    python('import os, sys; os.symlink("/etc/passwd", sys.argv[1])', [join(folder.path, 'link')])
    run('zip', ['-qy', archive, 'link'], { cwd: folder.path })
    const refusal = await refusalOfAsync(() => unpackZip(readFileSync(archive)))
    expect(refusal).toMatch(/^archive_entry_refused: Entry 1 \("link"\) is a symbolic link/)
  })
})

function tarOfTwo(folder: string): Buffer {
  plant(
    folder,
    ['one', 'two'].map((path) => ({ path, type: 'file', size: 600, mode: 0o644, mtime: 1e9 })),
  )
  return run('tar', ['-c', '-C', folder, 'one', 'two'])
}
