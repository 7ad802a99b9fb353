import { randomBytes } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { ErrorCode } from '@lading/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { type RawTarEntry, type RawZipEntry, rawTar, rawZip } from './fixtures/raw-archives.ts'
import { RawConnection } from './fixtures/raw-connection.ts'
import { SourceTree } from './fixtures/source-tree.ts'

let server: ApiUnderTest
let run: string

beforeAll(async () => {
  server = await ApiUnderTest.start({
    limits: { entries: 50, archiveBytes: 40 * 2 ** 20, fileBytes: 30 * 2 ** 20, drainMs: 300 },
  })
  run = (await server.run()).path
})

afterAll(() => server[Symbol.asyncDispose]())

const GOOD = { name: 'good.txt', bytes: Buffer.from('good') }

/** A tar with a good file, and those. */
function tarOf(...entries: readonly RawTarEntry[]): Buffer {
  return rawTar(GOOD, ...entries)
}

function named(name: string): Buffer {
  return tarOf({ name })
}

/** A zip with a good file, and those. */
function zipOf(...entries: readonly RawZipEntry[]): Buffer {
  return rawZip({ name: GOOD.name, says: GOOD.bytes }, ...entries)
}

function zipNamed(name: string): Buffer {
  return zipOf({ name, says: Buffer.from('z') })
}

function many(count: number): { name: string; says: Buffer }[] {
  return Array.from({ length: count }, (_, index) => ({ name: `f${index}`, says: Buffer.alloc(0) }))
}

/** A zip of one file with the size and CRC-32 of `says`, whatever its bytes are. */
function handmade(says: Buffer, deflated: Buffer): Buffer {
  return rawZip({ name: 'hand', says, deflated })
}

function damaged(bytes: Buffer, at: (bytes: Buffer) => number): Buffer {
  const copy = Buffer.from(bytes)
  const index = at(copy)
  copy[index] = (copy[index] ?? 0) ^ 0xff
  return copy
}

const TAR = 'application/x-tar'
const GZIP = 'application/gzip'
const ZSTD = 'application/zstd'
const ZIP = 'application/zip'

const plain = () => tarOf({ name: 'a/b.txt', bytes: Buffer.alloc(5000, 'x') })
const garbage = Buffer.from('garbage')
const big = () => Buffer.alloc(2 ** 20, 'compressible, and not small. ')

type Refusal = readonly [
  what: string,
  type: string,
  make: () => Buffer,
  status: number,
  code: ErrorCode,
  detail: RegExp,
]

const REFUSALS: readonly Refusal[] = [
  ['a symbolic link', TAR, () => tarOf({ name: 'l', type: '2' }), 422, 'archive_entry_refused', /"l"/],
  ['a hard link', TAR, () => tarOf({ name: 'h', type: '1' }), 422, 'archive_entry_refused', /"h"/],
  ['a device', TAR, () => tarOf({ name: 'dev', type: '3' }), 422, 'archive_entry_refused', /"dev"/],
  ['a pipe', TAR, () => tarOf({ name: 'pipe', type: '6' }), 422, 'archive_entry_refused', /"pipe"/],
  ['a name that climbs out', TAR, () => named('../out'), 422, 'archive_entry_refused', /"\.\.\/out"/],
  [
    'a name that climbs in the middle',
    TAR,
    () => named('a/../../out'),
    422,
    'archive_entry_refused',
    /a\/\.\./,
  ],
  ['an absolute name', TAR, () => named('/etc/passwd'), 422, 'archive_entry_refused', /absolute/],
  [
    'a directory that climbs out',
    TAR,
    () => tarOf({ name: '../d', type: '5' }),
    422,
    'archive_entry_refused',
    /\.\.\/d/,
  ],
  ['a drive letter', TAR, () => named('C:x'), 422, 'archive_entry_refused', /drive/],
  ['a backslash', TAR, () => named('a\\b'), 422, 'archive_entry_refused', /backslash/],
  ['a control character', TAR, () => named('a\x07b'), 422, 'archive_entry_refused', /U\+0007/],
  ['a segment of 256 bytes', TAR, () => named('x'.repeat(256)), 422, 'archive_entry_refused', /255/],
  [
    'a path of more than 1,024 bytes',
    TAR,
    () => named(`${'d'.repeat(99)}/`.repeat(11).slice(0, -1)),
    422,
    'archive_entry_refused',
    /1024/,
  ],
  ['65 segments', TAR, () => named(`${'d/'.repeat(64)}d`), 422, 'archive_entry_refused', /64/],
  ['the same path twice', TAR, () => named('good.txt'), 409, 'path_duplicate', /good\.txt/],
  ['a file below a file', TAR, () => named('good.txt/x'), 409, 'path_conflict', /good\.txt/],
  [
    'a directory over a file',
    TAR,
    () => tarOf({ name: 'good.txt', type: '5' }),
    409,
    'path_conflict',
    /good\.txt/,
  ],
  ['nothing', TAR, () => Buffer.alloc(1024), 422, 'no_file', /no entry/],
  ['no body', TAR, () => Buffer.alloc(0), 400, 'empty_body', /tar/],
  ['no tar', TAR, () => Buffer.alloc(2048, 'no tar'), 400, 'archive_malformed', /./],
  ['a cut tar', TAR, () => plain().subarray(0, 3000), 400, 'archive_incomplete', /a\/b\.txt/],
  ['a tar without its end', TAR, () => plain().subarray(0, 512 * 13), 400, 'archive_incomplete', /zeros/],
  ['garbage after a tar', TAR, () => Buffer.concat([plain(), garbage]), 400, 'archive_malformed', /./],
  ['too many entries', TAR, () => tarOf(...many(60)), 413, 'archive_too_large', /50/],
  [
    'a file that is too large',
    TAR,
    () => tarOf({ name: 'huge', bytes: Buffer.alloc(31 * 2 ** 20) }),
    413,
    'file_too_large',
    /huge/,
  ],
  [
    'files that are too large together',
    TAR,
    () =>
      tarOf(
        { name: 'x', bytes: Buffer.alloc(25 * 2 ** 20) },
        { name: 'y', bytes: Buffer.alloc(25 * 2 ** 20) },
      ),
    413,
    'archive_too_large',
    /"y"/,
  ],

  ['a gzip that is cut', GZIP, () => gzipSync(plain()).subarray(0, -9), 400, 'archive_incomplete', /gzip/],
  [
    'a gzip that is damaged',
    GZIP,
    () => damaged(gzipSync(plain()), () => 20),
    400,
    'archive_malformed',
    /damaged/,
  ],
  [
    'a gzip with another CRC',
    GZIP,
    () => damaged(gzipSync(plain()), (b) => b.length - 6),
    400,
    'archive_malformed',
    /damaged/,
  ],
  [
    'garbage after a gzip',
    GZIP,
    () => Buffer.concat([gzipSync(plain()), garbage]),
    400,
    'archive_malformed',
    /./,
  ],
  [
    'zeros after a gzip',
    GZIP,
    () => Buffer.concat([gzipSync(plain()), Buffer.alloc(9)]),
    400,
    'archive_malformed',
    /follow/,
  ],
  [
    'a megabyte after a gzip',
    GZIP,
    () => Buffer.concat([gzipSync(plain()), Buffer.alloc(2 ** 20)]),
    400,
    'archive_malformed',
    /follow/,
  ],
  [
    'a gzip of a cut tar',
    GZIP,
    () => gzipSync(plain().subarray(0, 3000)),
    400,
    'archive_incomplete',
    /tar ended/,
  ],
  ['a gzip of no tar', GZIP, () => gzipSync(Buffer.alloc(2048, 'x')), 400, 'archive_malformed', /./],
  ['a tar that is called a gzip', GZIP, plain, 400, 'archive_malformed', /gzip/],
  [
    'a link in a gzip',
    GZIP,
    () => gzipSync(tarOf({ name: 'l', type: '2' })),
    422,
    'archive_entry_refused',
    /"l"/,
  ],
  [
    'a bomb of gzip',
    GZIP,
    () => gzipSync(tarOf({ name: 'zeros', bytes: Buffer.alloc(25 * 2 ** 20) })),
    413,
    'archive_too_large',
    /ratio of 200/,
  ],
  [
    'a gzip of too much',
    GZIP,
    () =>
      gzipSync(
        tarOf(
          { name: 'a', bytes: Buffer.alloc(25 * 2 ** 20) },
          { name: 'b', bytes: Buffer.alloc(25 * 2 ** 20) },
        ),
        { level: 0 },
      ),
    413,
    'archive_too_large',
    /limit/,
  ],

  [
    'a zstd that is cut',
    ZSTD,
    () => zstdCompressSync(plain()).subarray(0, -9),
    400,
    'archive_incomplete',
    /zstd/,
  ],
  [
    'a zstd that is damaged',
    ZSTD,
    () => damaged(zstdCompressSync(plain()), () => 2),
    400,
    'archive_malformed',
    /damaged/,
  ],
  [
    'garbage after a zstd',
    ZSTD,
    () => Buffer.concat([zstdCompressSync(plain()), garbage]),
    400,
    'archive_malformed',
    /follow/,
  ],
  [
    'a bomb of zstd',
    ZSTD,
    () => zstdCompressSync(tarOf({ name: 'zeros', bytes: Buffer.alloc(25 * 2 ** 20) })),
    413,
    'archive_too_large',
    /ratio/,
  ],

  [
    'a link in a zip',
    ZIP,
    () => zipOf({ name: 'l', says: Buffer.from('good.txt'), mode: 0o120777 }),
    422,
    'archive_entry_refused',
    /"l"/,
  ],
  [
    'a name in a zip that climbs out',
    ZIP,
    () => zipNamed('../out'),
    422,
    'archive_entry_refused',
    /"\.\.\/out"/,
  ],
  ['an absolute name in a zip', ZIP, () => zipNamed('/etc/x'), 422, 'archive_entry_refused', /absolute/],
  ['the same path twice in a zip', ZIP, () => zipNamed('good.txt'), 409, 'path_duplicate', /good\.txt/],
  ['a file below a file in a zip', ZIP, () => zipNamed('good.txt/x'), 409, 'path_conflict', /good\.txt/],
  ['an empty zip', ZIP, () => rawZip(), 422, 'no_file', /no entry/],
  ['a cut zip', ZIP, () => zipOf().subarray(0, -30), 400, 'archive_incomplete', /./],
  ['no zip', ZIP, () => Buffer.alloc(1000, 'x'), 400, 'archive_malformed', /./],
  ['garbage after a zip', ZIP, () => Buffer.concat([zipOf(), garbage]), 400, 'archive_malformed', /follow/],
  ['too many entries in a zip', ZIP, () => zipOf(...many(60)), 413, 'archive_too_large', /50/],
  [
    'a bomb of zip',
    ZIP,
    () => zipOf({ name: 'zeros', says: Buffer.alloc(25 * 2 ** 20) }),
    413,
    'archive_too_large',
    /ratio/,
  ],
  [
    'a file in a zip that is too large',
    ZIP,
    () => zipOf({ name: 'huge', says: randomBytes(31 * 2 ** 20) }),
    413,
    'file_too_large',
    /huge/,
  ],
  ['a small file with another CRC', ZIP, () => withCrc(zipOf()), 400, 'archive_malformed', /good\.txt.*CRC/],
  [
    'a large file with another CRC',
    ZIP,
    () => withCrc(handmade(big(), deflateRawSync(big()))),
    400,
    'archive_malformed',
    /hand.*CRC/,
  ],
  [
    'a small file with more bytes than it says',
    ZIP,
    () => handmade(Buffer.alloc(50), deflateRawSync(Buffer.alloc(51))),
    400,
    'archive_malformed',
    /hand.*51 bytes/,
  ],
  [
    'a large file with more bytes than it says',
    ZIP,
    () => handmade(big(), deflateRawSync(Buffer.concat([big(), garbage]))),
    400,
    'archive_malformed',
    /hand.*more bytes/,
  ],
  [
    'a small file with fewer bytes than it says',
    ZIP,
    () => handmade(Buffer.alloc(50), deflateRawSync(Buffer.alloc(49))),
    400,
    'archive_malformed',
    /hand.*49 bytes/,
  ],
  [
    'a large file with fewer bytes than it says',
    ZIP,
    () => handmade(big(), deflateRawSync(big().subarray(1))),
    400,
    'archive_malformed',
    /hand.*bytes/,
  ],
  [
    'a small file whose bytes go on',
    ZIP,
    () => handmade(Buffer.alloc(50), Buffer.concat([deflateRawSync(Buffer.alloc(50)), garbage])),
    400,
    'archive_malformed',
    /hand.*before its bytes do/,
  ],
  [
    'a large file whose bytes go on',
    ZIP,
    () => handmade(big(), Buffer.concat([deflateRawSync(big()), garbage])),
    400,
    'archive_malformed',
    /hand.*before its bytes do/,
  ],
  [
    'a small file that cannot be inflated',
    ZIP,
    () => handmade(Buffer.alloc(50), garbage),
    400,
    'archive_malformed',
    /hand.*inflated/,
  ],
  [
    'a large file that cannot be inflated',
    ZIP,
    () => handmade(big(), Buffer.alloc(9999, 0xff)),
    400,
    'archive_malformed',
    /hand.*damaged/,
  ],
  [
    'a large file that is cut',
    ZIP,
    () => handmade(big(), deflateRawSync(big()).subarray(0, -5)),
    400,
    'archive_malformed',
    /hand/,
  ],

  ['JSON', 'application/json', () => Buffer.from('{}'), 415, 'unsupported_media_type', /application\/x-tar/],
  ['no type', '', plain, 415, 'unsupported_media_type', /multipart/],
]

test.each(REFUSALS)(
  '%s (%s) is refused, and leaves nothing behind',
  async (_what, type, make, status, code, detail) => {
    const jobs = await server.jobs()
    const packs = await server.packs()
    const body = make()
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type }
    const refused = await server.fetch(`${run}/log-artifacts?artifact_path=in`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    const problem = (await refused.json()) as { code: string; detail: string }
    expect([refused.status, problem]).toMatchObject([status, { code, detail: expect.stringMatching(detail) }])
    expect(await server.packs()).toEqual(packs)
    expect(await server.jobs()).toBe(jobs)
    expect((await server.fetch('/healthz')).status).toBe(200)
  },
)

test('the next archive is taken after all of these', async () => {
  const body = new Uint8Array(plain())
  const headers = { 'content-type': TAR }
  const { status } = await server.fetch(`${run}/log-artifacts`, { method: 'POST', headers, body })
  expect(status).toBe(202)
})

/** The same zip with another CRC-32 of its first file, in its header and in the directory. */
function withCrc(zip: Buffer): Buffer {
  const central = zip.indexOf('PK\x01\x02', 0, 'latin1')
  return damaged(
    damaged(zip, () => 14),
    () => central + 16,
  )
}

test('a link that GNU tar packed is refused by its name, also among many files', async () => {
  using tree = new SourceTree().file('a').file('b/c')
  mkdirSync(join(tree.folder, 'z'))
  symlinkSync('../a', join(tree.folder, 'z/link'))
  writeFileSync(join(tree.folder, 'z/after'), '')
  const response = await server.fetch(`${run}/log-artifacts`, {
    method: 'POST',
    headers: { 'content-type': TAR },
    body: new Uint8Array(tree.tar()),
  })
  expect([response.status, await response.json()]).toMatchObject([
    422,
    { code: 'archive_entry_refused', detail: expect.stringContaining('z/link') },
  ])
})

test.each([
  ['a tar', TAR, (tar: Buffer) => tar],
  ['a gzip', GZIP, (tar: Buffer) => gzipSync(tar, { level: 0 })],
  ['a zip', ZIP, () => zipOf({ name: 'r', says: randomBytes(9 * 2 ** 20) })],
] as const)(
  'a client that goes away in the middle of %s leaves nothing behind',
  async (_what, type, make) => {
    const packs = await server.packs()
    const body = make(tarOf({ name: 'r', bytes: randomBytes(9 * 2 ** 20) }))
    using connection = await RawConnection.open(server.port)
    const head = [`POST ${run}/log-artifacts HTTP/1.1`, 'Host: t', `Content-Type: ${type}`]
    connection.send([...head, `Content-Length: ${body.length}`, '', ''].join('\r\n'))
    connection.send(body.subarray(0, 5 << 20))
    await until(async () => (await server.packs()).length > packs.length, { within: 30_000 })
    connection.reset()
    await until(async () => (await server.packs()).length === packs.length, { within: 30_000 })
  },
)
