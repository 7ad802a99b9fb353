import { describe, expect, it } from 'vitest'
import { listZip } from '../fixtures/read-zip.ts'
import { refusalOfAsync } from '../fixtures/refusal.ts'
import { extra, wide, type ZipMember, type ZipShape, zipBytes } from '../fixtures/zip-bytes.ts'

const X = Buffer.from('content')
const FULL = 0xffffffff

const refusalOf = async (shape: ZipShape) => await refusalOfAsync(() => listZip(zipBytes(shape)))

const ENTRIES: readonly [what: string, member: ZipMember, words: string][] = [
  ['an encrypted file', { flags: 1 }, 'archive_entry_refused: Entry 1 ("file") is encrypted'],
  ['a strongly encrypted file', { flags: 0x40 }, 'is encrypted: pack without a password'],
  ['a masked header', { flags: 0x2000 }, 'is encrypted: pack without a password'],
  ['a patch', { flags: 0x20 }, 'is a patch to another file'],
  ['an unknown method', { method: 93 }, 'archive_entry_refused: Entry 1 ("file") is compressed by method 93'],
  [
    'a symbolic link',
    { attributes: 0o120777 << 16 },
    'archive_entry_refused: Entry 1 ("file") is a symbolic link',
  ],
  ['a named pipe', { attributes: 0o010644 << 16 }, 'is a named pipe'],
  ['a character device', { attributes: 0o020644 << 16 }, 'is a character device'],
  ['a block device', { attributes: 0o060644 << 16 }, 'is a block device'],
  ['a socket', { attributes: 0o140644 << 16 }, 'is a socket'],
  ['an unknown type', { attributes: 0o070644 << 16 }, 'is of an unknown type, 70000'],
  [
    'a directory without a slash',
    { attributes: 0o040755 << 16 },
    'is a directory whose name does not end in a slash',
  ],
  ['a directory with bytes', { name: 'd/', content: X }, '("d/") is a directory, with 7 bytes of its own'],
  ['no name', { name: '' }, 'has a name that is empty or holds NUL'],
  ['a name of "./" for a file', { name: './', content: X }, 'is a directory, with 7 bytes of its own'],
  ['a name with NUL', { name: 'a\0b' }, 'has a name that is empty or holds NUL'],
  [
    'a name in Latin-1, flagged UTF-8',
    { name: Buffer.from([0xe9]), flags: 0x800 },
    'has a name that is not UTF-8',
  ],
  [
    'a name in Latin-1 from Unix',
    { name: Buffer.from([0xe9]) },
    'archive_entry_refused: Entry 1 ("é") has a name that',
  ],
  [
    'a name of unknown charset',
    { name: 'é', madeBy: 20 },
    'has a name beyond ASCII whose charset is not told',
  ],
  [
    'the Unicode path of another name',
    { name: 'é', madeBy: 20, extra: extra(0x7075, Buffer.from([1, 0, 0, 0, 0, 0x61])) },
    'has a name beyond ASCII whose charset is not told',
  ],
  [
    'a stored file of two sizes',
    { content: X, compressedSize: 6 },
    'is stored as it is, yet has two sizes, 7 and 6',
  ],
  ['another disk', { disk: 1 }, 'lies on another disk'],
  [
    'an extra field too long',
    { extra: Buffer.from([0x55, 0x54, 9, 0, 1]) },
    'has an extra field that is longer than',
  ],
  [
    'two zip64 fields',
    { extra: Buffer.concat([extra(1, wide(1)), extra(1, wide(2))]) },
    'has the extra field 0x1 twice',
  ],
  [
    'a zip64 field too short',
    { size: FULL, compressedSize: FULL, extra: extra(1, wide(7)) },
    'has a zip64 field that is too short',
  ],
  ['a header elsewhere', { offset: 1 }, 'is not where the directory says it is'],
  ['a header beyond the end', { offset: 4000 }, 'is not where the directory says it is'],
  [
    'a header at 2^63',
    { offset: FULL, extra: extra(1, wide(2n ** 63n)) },
    'is not where the directory says it is',
  ],
  [
    'another name in its header',
    { local: (header) => header.write('gile', 30) },
    'has one name in the directory',
  ],
  [
    'another method in its header',
    { local: (header) => header.writeUInt16LE(8, 8) },
    'has one method in the',
  ],
  [
    'other flags in its header',
    { local: (header) => header.writeUInt16LE(8, 6) },
    'has one flags in the directory',
  ],
  [
    'another checksum in its header',
    { local: (header) => header.writeUInt32LE(1, 14) },
    'has one CRC-32 in the',
  ],
  [
    'another size in its header',
    { content: X, local: (header) => header.writeUInt32LE(6, 22) },
    'has one size in the',
  ],
  [
    'another compressed size',
    { content: X, local: (header) => header.writeUInt32LE(6, 18) },
    'has one compressed size',
  ],
  [
    'a header longer than the archive',
    { local: (header) => header.writeUInt16LE(999, 28) },
    'does not fit the archive',
  ],
]

const SHAPES: readonly [what: string, shape: ZipShape, words: string][] = [
  [
    'bytes after the end',
    { members: [], comment: X, end: (r) => r.writeUInt16LE(6, 20) },
    'its end record is not the last',
  ],
  [
    'an end record in the comment',
    { members: [], comment: Buffer.from('PK\x05\x06'.padEnd(30)) },
    'or its comment looks like another',
  ],
  [
    'zeros after the end, and then more',
    { members: [], comment: Buffer.from('\0\0\0x'), end: (r) => r.writeUInt16LE(0, 20) },
    'bytes follow it',
  ],
  [
    'zeros after a comment',
    { members: [], comment: Buffer.from('said\0\0'), end: (r) => r.writeUInt16LE(4, 20) },
    'bytes follow it',
  ],
  [
    'zeros after an end record that is the comment of another',
    { members: [], comment: Buffer.concat([zipBytes({ members: [] }), Buffer.alloc(9)]) },
    'or its comment looks like another',
  ],
  [
    'an end record that is the comment of another',
    { members: [], comment: zipBytes({ members: [] }) },
    'or its comment looks like another',
  ],
  ['a second disk', { members: [], end: (r) => r.writeUInt16LE(1, 4) }, 'it is split over several disks'],
  [
    'entries on another disk',
    { members: [{}], end: (r) => r.writeUInt16LE(0, 8) },
    'it is split over several disks',
  ],
  [
    'a directory elsewhere',
    { members: [{}], end: (r) => r.writeUInt32LE(0, 16) },
    'its directory is said to end at byte 50, and',
  ],
  [
    'more entries than fit',
    { members: [{}], end: (r) => r.writeUInt32LE(0x90009, 8) },
    'is too short for 9 entries',
  ],
  [
    'fewer entries than there are',
    { members: [{}, {}], end: (r) => r.writeUInt32LE(0x10001, 8) },
    'has 1 entries in 50 of its 100 bytes',
  ],
  [
    'bytes before it that were not counted',
    { members: [{}], end: (r) => r.writeUInt32LE(33, 16) },
    'send the bare zip',
  ],
]

describe('An entry that is refused as a whole', () => {
  it.each(ENTRIES.map(([what, member, words]) => ({ what, member, words })))(
    'is $what',
    async ({ member, words }) => {
      expect(await refusalOf({ members: [member] })).toContain(words)
    },
  )
})

describe('A zip that is not well formed', () => {
  it.each(SHAPES.map(([what, shape, words]) => ({ what, shape, words })))(
    'is one of $what',
    async ({ shape, words }) => {
      const refusal = await refusalOf(shape)
      expect(refusal).toMatch(/^archive_malformed: /)
      expect(refusal).toContain(words)
    },
  )

  it('is one whose zip64 end record is elsewhere, or contradicts the plain one', async () => {
    expect(await refusalOfAsync(() => listZip(withZip64()))).toBe('accepted')
    const changes: readonly ((end: Buffer) => unknown)[] = [
      (end) => end.writeUInt32LE(0, 0),
      (end) => end.writeUInt32LE(45, 4),
      (end) => end.writeUInt32LE(1, 16),
      (end) => end.writeUInt32LE(2, 32),
      (end) => end.writeUInt32LE(1, 40),
      (end) => end.writeUInt32LE(FULL, 52),
      (end) => end.writeUInt32LE(3, 56 + 4),
      (end) => end.writeUInt32LE(7, 56 + 8),
      (end) => end.writeUInt32LE(FULL, 56 + 12),
      (end) => end.writeUInt32LE(9, 56 + 16),
      (end) => end.writeUInt16LE(9, 76 + 10),
    ]
    for (const change of changes) {
      expect(await refusalOfAsync(() => listZip(withZip64(change)))).toMatch(
        /^archive_malformed: The zip cannot be read/,
      )
    }
  })
})

describe('A bomb', () => {
  const zeros = Buffer.alloc(20 * 1024 ** 2)

  it('of one file is refused for its ratio, from 16 MiB on', async () => {
    const refusal = await refusalOf({ members: [{ name: 'zeros', content: zeros, method: 8 }] })
    expect(refusal).toMatch(/^archive_too_large: Entry 1 \("zeros"\) brings .* to 20971520 .* ratio of 200$/)
    const small = zipBytes({ members: [{ content: zeros.subarray(0, 16 * 1024 ** 2), method: 8 }] })
    expect(await listZip(small)).toHaveLength(1)
    expect(await refusalOfAsync(() => listZip(small, { bytes: 1000 }))).toContain(
      'unpacked; the limit is 1000',
    )
  })

  it('of entries that share one file is refused', async () => {
    const first = { name: 'file', content: X }
    expect(await refusalOf({ members: [first, { ...first, offset: 0 }] })).toMatch(
      /^archive_malformed: Entry 1 \("file"\) shares bytes with another entry/,
    )
  })

  it('of files that hold the headers of others is refused', async () => {
    const inner = zipBytes({ members: [{ name: 'inner', content: X }] }).subarray(0, 30 + 5 + X.length)
    const outer = { name: 'outer', content: inner }
    const members = [outer, { name: 'inner', content: X, offset: 30 + 5 }]
    expect(await refusalOf({ members })).toMatch(
      /^archive_malformed: Entry 1 \("outer"\) shares bytes with another entry/,
    )
  })

  it('whose last file holds the directory is refused', async () => {
    const size = X.length + 1
    const member = { content: X, size, compressedSize: size }
    expect(await refusalOf({ members: [member] })).toMatch(/shares bytes with the archive's directory/)
  })

  it('is not hidden by an entry that claims to begin beyond the archive', async () => {
    const long = { name: 'long', content: X, flags: 8, method: 8, compressedSize: 5000 }
    const members = [
      { ...long, local: (header: Buffer) => header.fill(0, 14, 26) },
      { name: 'far', offset: 9000 },
    ]
    expect(await refusalOf({ members })).toMatch(
      /^archive_malformed: Entry 1 \("long"\) shares bytes with the archive/,
    )
  })

  it('of more entries than the limit is refused before they are read', async () => {
    const archive = zipBytes({ members: [{}, { name: 'b' }] })
    expect(await refusalOfAsync(() => listZip(archive, { entries: 1 }))).toBe(
      'archive_too_large: The zip has 2 entries; the limit is 1: send it in parts',
    )
  })
})

/** A zip of one entry with both end records; `change` gets the zip64 one (56), its locator (20) and the plain one (22). */
function withZip64(change: (end: Buffer) => unknown = () => undefined): Buffer {
  const plain = zipBytes({ members: [{ content: X }] })
  const record = plain.subarray(-22)
  const at = plain.length - 22
  const end = Buffer.alloc(76)
  end.writeUInt32LE(0x06064b50, 0)
  wide(44).copy(end, 4)
  wide(1, 1, record.readUInt32LE(12), record.readUInt32LE(16)).copy(end, 24)
  end.writeUInt32LE(0x07064b50, 56)
  wide(at).copy(end, 64)
  end.writeUInt32LE(1, 72)
  const ends = Buffer.concat([end, record])
  change(ends)
  return Buffer.concat([plain.subarray(0, at), ends])
}
