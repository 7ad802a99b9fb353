import { describe, expect, it } from 'vitest'
import { indexTar } from '../fixtures/index-tar.ts'
import { paxMember, TAR_END, tarBlock, tarMember, tarOf } from '../fixtures/tar-blocks.ts'

const pathsOf = (...members: readonly Buffer[]) => indexTar([tarOf(...members)]).map(({ path }) => path)
const only = (...members: readonly Buffer[]) => {
  const entries = indexTar([tarOf(...members)])
  expect(entries).toHaveLength(1)
  return entries[0]
}

describe('The index of a tar', () => {
  it('has each file as a slice of the archive, with its mode and time', () => {
    const archive = tarOf(tarMember('hello', { name: 'a/b.txt', mode: '0104755\0', mtime: '00000000002\0' }))
    const [entry] = indexTar([archive])
    expect(entry).toMatchObject({
      path: 'a/b.txt',
      type: 'file',
      size: 5,
      mode: 0o4755,
      mtimeMs: 2000,
      offset: 512,
    })
    expect(archive.subarray(entry?.offset, 517).toString()).toBe('hello')
  })

  it('has empty files and directories, and of an empty archive nothing', () => {
    const members = [tarBlock({ name: 'empty' }), tarBlock({ name: 'd/', type: '5' })]
    expect(indexTar([tarOf(...members)])).toMatchObject([
      { path: 'empty', type: 'file', size: 0, offset: 512 },
      { path: 'd', type: 'directory', size: 0, offset: 1024 },
    ])
    expect(indexTar([TAR_END])).toEqual([])
  })

  it('leaves out the root, by each name that tools give it', () => {
    const roots = ['./', '.', '/'].map((name) => tarBlock({ name, type: '5' }))
    expect(pathsOf(...roots, tarBlock({ name: './a' }), tarBlock({ name: './d/', type: '5' }))).toEqual([
      'a',
      'd',
    ])
  })

  it('keeps names that lead elsewhere as they are, for the rules of paths to refuse', () => {
    const names = ['../x', '/etc/passwd', 'a/./b', 'a//b', '././a', 'a\\b']
    const expected = ['../x', '/etc/passwd', 'a/./b', 'a//b', './a', 'a\\b']
    expect(pathsOf(...names.map((name) => tarBlock({ name })))).toEqual(expected)
  })

  it('joins the prefix of ustar, and does not take for one what GNU tar has in its place', () => {
    expect(pathsOf(tarBlock({ name: 'b', prefix: 'a' }))).toEqual(['a/b'])
    expect(pathsOf(tarBlock({ name: 'b', prefix: '14000000000', magic: 'ustar  \0' }))).toEqual(['b'])
    expect(only(tarBlock({ name: 'x'.repeat(100), prefix: 'y'.repeat(155) }))?.path).toHaveLength(256)
  })

  it('takes Unix V7, where a slash alone tells a directory', () => {
    const v7 = { type: '\0', magic: '\0'.repeat(8) }
    expect(
      indexTar([tarOf(tarBlock({ ...v7, name: 'd/' }), tarMember('x', { ...v7, name: 'd/f' }))]),
    ).toMatchObject([
      { path: 'd', type: 'directory' },
      { path: 'd/f', type: 'file', size: 1 },
    ])
  })

  it('takes a contiguous file for a file', () => {
    expect(only(tarMember('x', { type: '7' }))).toMatchObject({ type: 'file', size: 1 })
  })

  it('takes a checksum over signed bytes, as over unsigned ones', () => {
    const block = tarBlock({ name: 'é' })
    const unsigned = Number.parseInt(block.toString('latin1', 148, 154), 8)
    const signed = tarBlock({
      name: 'é',
      checksum: `${(unsigned - 2 * 256).toString(8).padStart(6, '0')}\0 `,
    })
    expect(signed.equals(block)).toBe(false)
    expect(pathsOf(signed)).toEqual(['é'])
  })

  it('takes sizes and times in base 256', () => {
    const size = Buffer.from('80000000000000000000000a', 'hex')
    const mtime = Buffer.from('ffffffffffffffffffffffff', 'hex')
    const member = Buffer.concat([tarBlock({ size, mtime }), Buffer.alloc(512, '0123456789')])
    expect(only(member)).toMatchObject({ size: 10, mtimeMs: -1000 })
  })

  it('takes a field of spaces for no mode, and numbers that begin with spaces or fill their field', () => {
    expect(only(tarBlock({ mode: ' '.repeat(8), mtime: '          7 ' }))).toMatchObject({
      mode: 0,
      mtimeMs: 7000,
    })
    expect(only(tarBlock({ mtime: '000000000010' }))).toMatchObject({ mtimeMs: 8000 })
  })
})

describe('A pax header', () => {
  it('gives the entry after it its name, size and time', () => {
    const long = `${'é'.repeat(100)}/${'x'.repeat(200)}`
    const members = [
      paxMember([
        `path=${long}`,
        'mtime=1700000000.987654321',
        'size=3',
        'uid=7',
        'SCHILY.xattr.user.a=b=c\nd',
      ]),
      Buffer.concat([tarBlock({ size: 0 }), Buffer.alloc(512, 'abc\0')]),
      tarBlock({ name: 'next' }),
    ]
    expect(indexTar([tarOf(...members)])).toMatchObject([
      { path: long, size: 3, mtimeMs: 1_700_000_000_987 },
      { path: 'next', size: 0 },
    ])
  })

  it('has times before 1970, and whole ones', () => {
    expect(only(paxMember(['mtime=-1.5']), tarBlock())?.mtimeMs).toBe(-1500)
    expect(only(paxMember(['mtime=12']), tarBlock())?.mtimeMs).toBe(12_000)
    expect(only(paxMember(['mtime=1.001']), tarBlock())?.mtimeMs).toBe(1001)
  })

  it('that is global holds for all that follow, unless they have their own', () => {
    const members = [
      paxMember(['mtime=5', 'comment=0123abc'], 'g'),
      tarBlock(),
      paxMember(['mtime=6']),
      tarBlock(),
    ]
    expect(indexTar([tarOf(...members, tarBlock())]).map(({ mtimeMs }) => mtimeMs)).toEqual([
      5000, 6000, 5000,
    ])
  })
})

describe('GNU tar', () => {
  it('has a long name before the entry that it belongs to', () => {
    const name = `${'long/'.repeat(40)}name`
    const long = tarMember(`${name}\0`, { name: '././@LongLink', type: 'L', magic: 'ustar  \0' })
    expect(pathsOf(long, tarBlock({ name: name.slice(0, 100) }), tarBlock({ name: 'short' }))).toEqual([
      name,
      'short',
    ])
  })
})
