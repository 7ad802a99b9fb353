import { describe, expect, it } from 'vitest'
import { indexTar } from '../fixtures/index-tar.ts'
import { refusalOf } from '../fixtures/refusal.ts'
import { paxMember, TAR_END, tarBlock, tarMember, tarOf } from '../fixtures/tar-blocks.ts'
import { DEFAULT_ARCHIVE_LIMITS } from '../limits.ts'
import { TarIndexer } from './indexer.ts'

describe('An entry that is no file or directory', () => {
  it.each([
    ['1', 'is a hard link'],
    ['2', 'is a symbolic link'],
    ['3', 'is a character device'],
    ['4', 'is a block device'],
    ['6', 'is a named pipe'],
    ['S', 'is a sparse file'],
    ['M', 'goes on from another volume'],
    ['V', 'is a volume label'],
    ['D', 'is a directory of an incremental backup'],
    ['X', 'has an extended header of Solaris'],
    ['N', 'is of an unknown type, "N"'],
    ['\x01', 'is of an unknown type, "\\u0001"'],
  ])('is refused with its name: type %j', (type, words) => {
    const archive = tarOf(tarBlock({ name: 'a' }), tarBlock({ name: 'dir/odd', type }))
    const refusal = refusalOf(() => indexTar([archive]))
    expect(refusal).toContain(`archive_entry_refused: Entry 2 ("dir/odd") ${words}`)
  })

  it('is refused with its long name', () => {
    const name = `${'deep/'.repeat(20)}link`
    const refusal = refusalOf(() =>
      indexTar([tarOf(paxMember([`path=${name}`]), tarBlock({ name: 'l', type: '2' }))]),
    )
    expect(refusal).toContain(`Entry 1 ("${'deep/'.repeat(16)}…") is a symbolic link`)
  })
})

const LONG_NAME = tarMember('a\0', { type: 'L' })

const REFUSED: readonly [what: string, archive: Buffer, words: string][] = [
  [
    'a wrong checksum',
    tarOf(tarBlock({ checksum: '0000001\0' })),
    'archive_malformed: Entry 1 has a header whose',
  ],
  ['text', Buffer.alloc(2048, 'no tar '), 'archive_malformed: Entry 1 has a header whose checksum is wrong'],
  [
    'an unknown magic',
    tarOf(tarBlock({ magic: 'ustar 00' })),
    'archive_malformed: Entry 1 has a header of unknown',
  ],
  [
    'a negative size',
    tarOf(tarBlock({ size: Buffer.alloc(12, 0xff) })),
    'has a size that is no number of bytes',
  ],
  [
    'a size without digits',
    tarOf(tarBlock({ size: Buffer.alloc(12) })),
    'has a size that is no number of bytes',
  ],
  [
    'a size in decimal',
    tarOf(tarBlock({ size: Buffer.from('00000000008\0') })),
    'has a size that is no number',
  ],
  [
    'a size beyond 2^53',
    tarOf(tarBlock({ size: Buffer.from('8000000000ffffffffffffff', 'hex') })),
    'has a size that',
  ],
  ['a mode of letters', tarOf(tarBlock({ mode: 'rw-r--r-' })), 'has a mode that is no number'],
  ['a time of letters', tarOf(tarBlock({ mtime: 'yesterday' })), 'has a modification time that is no number'],
  [
    'a time out of range',
    tarOf(paxMember(['mtime=253402300800']), tarBlock()),
    'outside of the years 1 to 9999',
  ],
  [
    'a directory with bytes',
    tarOf(tarMember('x', { type: '5' })),
    '("file") is a directory, with 1 bytes of its own',
  ],
  ['no name', tarOf(tarBlock({ name: '' })), 'archive_malformed: Entry 1 ("") has no name'],
  [
    'a directory without a name',
    tarOf(tarBlock({ name: '', type: '5' })),
    'archive_malformed: Entry 1 ("") has no name',
  ],
  [
    'a name in Latin-1',
    tarOf(tarBlock({ name: Buffer.from([0x61, 0xe9]) })),
    'archive_entry_refused: Entry 1 ("aé")',
  ],
  [
    'a pax path in Latin-1',
    tarOf(tarMember(Buffer.from('10 path=é\n', 'latin1'), { type: 'x' }), tarBlock()),
    'archive_entry_refused',
  ],
  [
    'a name of bidi marks',
    tarOf(tarBlock({ name: 'gpj.\u202elkp', type: '2' })),
    '("gpj.\\u{202e}lkp") is a symbolic',
  ],
  [
    'pax without length',
    tarOf(tarMember('path=x\n', { type: 'x' }), tarBlock()),
    'has a pax header whose records',
  ],
  [
    'pax with a length too long',
    tarOf(tarMember('99 path=x\n', { type: 'x' }), tarBlock()),
    'has a pax header whose',
  ],
  [
    'pax with a length too short',
    tarOf(tarMember('9 path=xy\n', { type: 'x' }), tarBlock()),
    'has a pax header whose',
  ],
  [
    'pax with a length of 0',
    tarOf(tarMember('0 path=x\n', { type: 'x' }), tarBlock()),
    'has a pax header whose records',
  ],
  [
    'pax without a keyword',
    tarOf(tarMember('5 =x\n', { type: 'x' }), tarBlock()),
    'has a pax header whose records',
  ],
  [
    'pax without "="',
    tarOf(tarMember('7 path\n', { type: 'x' }), tarBlock()),
    'has a pax header whose records',
  ],
  [
    'a pax path with NUL',
    tarOf(paxMember(['path=a\0b']), tarBlock()),
    'has a pax path that is empty or holds NUL',
  ],
  ['an empty pax path', tarOf(paxMember(['path=']), tarBlock()), 'has a pax path that is empty or holds NUL'],
  [
    'a pax size of letters',
    tarOf(paxMember(['size=1e3']), tarBlock()),
    'has a pax size that is no number of bytes',
  ],
  [
    'a negative pax size',
    tarOf(paxMember(['size=-1']), tarBlock()),
    'has a pax size that is no number of bytes',
  ],
  [
    'a pax size beyond 2^53',
    tarOf(paxMember(['size=9007199254740992']), tarBlock()),
    'has a pax size that is no',
  ],
  [
    'a pax time of letters',
    tarOf(paxMember(['mtime=now']), tarBlock()),
    'has a pax mtime that is no number of seconds',
  ],
  [
    'a charset',
    tarOf(paxMember(['hdrcharset=BINARY']), tarBlock()),
    'archive_entry_refused: Entry 1 ("PaxHeaders/x") has names that are not UTF-8',
  ],
  [
    'a sparse file',
    tarOf(paxMember(['GNU.sparse.major=1']), tarBlock()),
    'is sparse or split (GNU.sparse.major)',
  ],
  [
    'two pax headers',
    tarOf(paxMember(['mtime=1']), paxMember(['mtime=1']), tarBlock()),
    'has two pax headers',
  ],
  ['two long names', tarOf(LONG_NAME, LONG_NAME, tarBlock()), 'has two GNU long names'],
  ['names by pax and by GNU', tarOf(LONG_NAME, paxMember(['path=b']), tarBlock()), 'has two names'],
  ['an empty long name', tarOf(tarMember('\0', { type: 'L' }), tarBlock()), 'has a malformed GNU long name'],
  [
    'a long name with more after it',
    tarOf(tarMember('a\0b', { type: 'L' }), tarBlock()),
    'has a malformed GNU long name',
  ],
  [
    'a global header amid others',
    tarOf(LONG_NAME, paxMember(['mtime=1'], 'g'), tarBlock()),
    'has a global pax header between',
  ],
  [
    'a pax header without an entry',
    tarOf(paxMember(['mtime=1'])),
    'has an extended header, and the archive ends',
  ],
  [
    'a long link without an entry',
    tarOf(tarMember('a\0', { type: 'K' })),
    'has an extended header, and the archive ends',
  ],
  [
    'a lone block of zeros',
    tarOf(Buffer.alloc(512), tarBlock()),
    'Byte 512 of the tar, after a lone block of zeros, is not zero',
  ],
  [
    'another archive after the end',
    tarOf(TAR_END, tarBlock()),
    'Byte 1024 of the tar, after the end of the archive, is not zero',
  ],
  [
    'nothing at all',
    Buffer.alloc(0),
    'archive_incomplete: The tar ended at byte 0, after 0 entries, without the two blocks',
  ],
  [
    'an end of one block',
    Buffer.concat([tarBlock(), Buffer.alloc(512)]),
    'archive_incomplete: The tar ended at byte 1024, after 1 entry, ',
  ],
  [
    'a file cut short',
    tarMember('hello', { size: 700 }),
    'archive_incomplete: The tar ended at byte 1024, 188 bytes before the end of "file"',
  ],
]

describe('What is refused as a whole', () => {
  it.each(REFUSED.map(([what, archive, words]) => ({ what, archive, words })))(
    'is $what',
    ({ archive, words }) => {
      expect(refusalOf(() => indexTar([archive]))).toContain(words)
      const bytes = Array.from(archive, (_, at) => archive.subarray(at, at + 1))
      expect(refusalOf(() => indexTar(bytes))).toContain(words)
    },
  )

  it('is an archive of more entries or bytes than the limits, of which the root is none', () => {
    const archive = tarOf(
      tarBlock({ name: './', type: '5' }),
      tarMember('123'),
      tarMember('4567', { name: 'big' }),
    )
    expect(indexTar([archive], { entries: 2, bytes: 7 })).toHaveLength(2)
    expect(refusalOf(() => indexTar([archive], { entries: 1 }))).toBe(
      'archive_too_large: The tar has more than 1 entries; send it in parts',
    )
    expect(refusalOf(() => indexTar([archive], { bytes: 6 }))).toBe(
      'archive_too_large: Entry 3 ("big") brings the files to 7 bytes; the limit is 6',
    )
  })

  it('is an extended header of more than 1 MiB, before its bytes have come', () => {
    const sizes = [1024 ** 2 + 1, 2 ** 33]
    for (const size of sizes) {
      for (const type of ['x', 'g', 'L', 'K']) {
        const huge = Buffer.from([
          0x80,
          0,
          0,
          0,
          0,
          0,
          0,
          ...[32, 24, 16, 8, 0].map((bits) => Math.floor(size / 2 ** bits) & 255),
        ])
        const refusal = refusalOf(() => indexTar([tarBlock({ type, size: huge })]))
        expect(refusal).toContain(`has an extended header of ${size} bytes; the limit is 1048576`)
      }
    }
  })
})

describe('After a refusal', () => {
  it("every call repeats it, be it its own or the handler's", () => {
    const fault = new Error('no such path')
    const refuse = () => {
      throw fault
    }
    const handler = { entryBegin: refuse, entryData() {}, entryEnd() {} }
    const indexer = new TarIndexer(handler, DEFAULT_ARCHIVE_LIMITS)
    for (const call of [() => indexer.write(tarBlock()), () => indexer.write(TAR_END), () => indexer.end()]) {
      expect(call).toThrow(fault)
    }
  })

  it('but end may be called twice', () => {
    const indexer = new TarIndexer({ entryBegin() {}, entryData() {}, entryEnd() {} }, DEFAULT_ARCHIVE_LIMITS)
    indexer.write(TAR_END)
    indexer.end()
    indexer.end()
    expect(() => indexer.write(TAR_END)).toThrow('write after end')
  })
})
