import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { places, splitAt } from '../fixtures/chunks.ts'
import { indexTar } from '../fixtures/index-tar.ts'
import { refusalOf } from '../fixtures/refusal.ts'
import { paxMember, TAR_END, tarBlock, tarMember, tarOf, withChecksum } from '../fixtures/tar-blocks.ts'
import { DEFAULT_ARCHIVE_LIMITS } from '../limits.ts'
import { TarIndexer } from './indexer.ts'

/** Each kind of header, data that ends on a block and data that does not, and the filling of a record. */
const ARCHIVE = tarOf(
  paxMember(['comment=of all'], 'g'),
  tarBlock({ name: './', type: '5' }),
  paxMember([`path=${'long/'.repeat(120)}x`, 'mtime=1.5']),
  tarMember('one', { name: 'short' }),
  tarMember('long/name\0', { name: '././@LongLink', type: 'L' }),
  tarMember(Buffer.alloc(1024, 'two'), { name: 'cut' }),
  tarBlock({ name: 'dir/', type: '5' }),
  tarMember(Buffer.alloc(513, '3'), { name: 'dir/last' }),
  Buffer.alloc(300),
)
const WHOLE = indexTar([ARCHIVE])
/** Where the marker of the end is complete. */
const MARKED = ARCHIVE.length - 300

describe('However a tar is cut into chunks', () => {
  it('its index is the same: in two at each place, and in bytes', () => {
    for (let place = 0; place <= ARCHIVE.length; place++) {
      expect(indexTar(splitAt(ARCHIVE, place))).toEqual(WHOLE)
    }
    expect(indexTar(splitAt(ARCHIVE, ...ARCHIVE.keys()))).toEqual(WHOLE)
    expect(WHOLE.map(({ path, size }) => [path.slice(-9), size])).toEqual([
      ['ng/long/x', 3],
      ['long/name', 1024],
      ['dir', 0],
      ['dir/last', 513],
    ])
  })

  it('its index is the same: anywhere', () => {
    fc.assert(
      fc.property(places(ARCHIVE.length), (found) => {
        expect(indexTar(splitAt(ARCHIVE, ...found))).toEqual(WHOLE)
      }),
    )
  })

  it('its bytes are passed on as slices of the very chunks', () => {
    const slices: Buffer[] = []
    const handler = { entryBegin() {}, entryData: (chunk: Buffer) => slices.push(chunk), entryEnd() {} }
    const indexer = new TarIndexer(handler, DEFAULT_ARCHIVE_LIMITS)
    for (const chunk of splitAt(ARCHIVE, 700, 3000, 4001)) indexer.write(chunk)
    indexer.end()
    expect(slices.every(({ buffer }) => buffer === ARCHIVE.buffer)).toBe(true)
  })
})

describe('A tar that ends too early', () => {
  it('is incomplete, at whichever byte it ends', () => {
    for (let length = 0; length < MARKED; length++) {
      expect(refusalOf(() => indexTar([ARCHIVE.subarray(0, length)]))).toMatch(
        /^archive_incomplete: The tar ended/,
      )
    }
  })

  it('is whole once its end is marked, however little fills up its last record', () => {
    for (let length = MARKED; length <= ARCHIVE.length; length++) {
      expect(indexTar([ARCHIVE.subarray(0, length)])).toEqual(WHOLE)
    }
  })
})

describe('A tar that was tampered with', () => {
  const change = fc.record({ at: fc.nat(ARCHIVE.length - 1), byte: fc.nat(255) })

  it("is indexed, or refused as a client's mistake; nothing else happens", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const archive = changed(ARCHIVE, changes)
        const refusal = refusalOf(() => indexTar([archive]))
        expect(refusal).toMatch(/^(accepted$|archive_(malformed|incomplete|entry_refused|too_large): )/)
        for (const chunks of [splitAt(archive, 100, 600, 2000), splitAt(archive, ...archive.keys())]) {
          expect(refusalOf(() => indexTar(chunks))).toBe(refusal)
        }
      }),
    )
  })

  it('is so too when its checksums are made to fit', () => {
    const header = fc.record({
      at: fc.nat(511),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 32, 48, 55, 128, 255)),
    })
    const bases = [
      tarBlock({ name: 'a/b', prefix: 'c' }),
      tarBlock({ type: 'x', size: 20 }),
      tarBlock({ type: '\0' }),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...bases), fc.array(header, { maxLength: 12 }), (base, changes) => {
        const block = withChecksum(changed(base, changes))
        const archive = Buffer.concat([
          block,
          Buffer.from('20 path=something0\n\0'),
          Buffer.alloc(492),
          TAR_END,
        ])
        const refusal = refusalOf(() => indexTar([archive]))
        expect(refusal).toMatch(/^(accepted$|archive_(malformed|incomplete|entry_refused|too_large): )/)
      }),
      { numRuns: 3000 },
    )
  })
})

function changed(bytes: Buffer, changes: readonly { readonly at: number; readonly byte: number }[]): Buffer {
  const copy = Buffer.from(bytes)
  for (const { at, byte } of changes) copy[at] = byte
  return copy
}
