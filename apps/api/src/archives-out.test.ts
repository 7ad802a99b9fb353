import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { storeTree, type TreeEntry } from './fixtures/store-tree.ts'
import { download, expected, run, ScratchFolder, type Unpack, unpacked } from './fixtures/unpacked.ts'

let server: ApiUnderTest
/** Address of the artifacts of the run that has `TREE` in `evaluation` and a file beside it. */
let artifacts: string
let runId: string

const POOL = randomBytes(64 * 1024)
const SIZES = [0, 1, 511, 512, 513, 4096, 10_240]
const MODES = [0o644, 0o600, 0o755, 0o700, 0o440]

const ODD_NAMES = [
  'with spaces/and  two.txt',
  '-dash/--checkpoint=exec',
  '.hidden/.dots...',
  'quotes"\'`$(x)*[a]{b}',
  '100%/%41.txt',
  'NFC/caf\u00e9.txt',
  'NFD/cafe\u0301.txt',
  '模型/📈.csv',
  'файл.txt',
  `${'s'.repeat(255)}/${'n'.repeat(255)}`,
  `${'long name of a directory/'.repeat(12)}file`,
  `${'深'.repeat(80)}/${'い'.repeat(80)}`,
  `ends-at-100/${'x'.repeat(88)}`,
  `ends-at-101/${'x'.repeat(89)}`,
]

function entry(path: string, index: number): TreeEntry {
  const bytes = POOL.subarray(index, index + (SIZES[index % SIZES.length] ?? 0))
  const mtime = new Date(1_234_567_890_000 + index * 1000)
  return { path: `evaluation/${path}`, bytes, mode: MODES[index % MODES.length] ?? 0, mtime }
}

/** 3,000 files, three empty directories and files of several requests to the store. */
const TREE: readonly TreeEntry[] = [
  ...ODD_NAMES.map(entry),
  ...Array.from({ length: 2984 }, (_, index) => entry(`steps/${index % 30}/${index}.bin`, index)),
  { ...entry('large/exactly.bin', 1), bytes: randomBytes(4 * 1024 * 1024) },
  { ...entry('large/more.bin', 2), bytes: randomBytes(5 * 1024 * 1024 + 3) },
  { path: 'evaluation/empty', bytes: undefined, mode: 0o700 },
  { path: 'evaluation/steps/empty too', bytes: undefined },
  { path: 'evaluation/nested/deeply/empty', bytes: undefined },
]

beforeAll(async () => {
  server = await ApiUnderTest.start()
  const made = await server.run()
  runId = made.runId
  artifacts = `${made.path}/artifacts`
  await storeTree(server, runId, [...TREE, { path: 'beside.txt', bytes: Buffer.from('beside') }])
})

afterAll(() => server[Symbol.asyncDispose]())

function relative(tree: readonly TreeEntry[]): TreeEntry[] {
  return tree.map((entry) => ({ ...entry, path: entry.path.replace('evaluation/', '') }))
}

const UNZIP_IN_PYTHON = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])'
const UNTAR_IN_PYTHON = 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])'

/** libarchive composes the names that it unpacks; others show that the archive has them as they came. */
function composed(entries: Map<string, string>): Map<string, string> {
  return new Map([...entries].map(([path, text]) => [path.normalize('NFC'), text]))
}

test.each<[string, string, Unpack]>([
  ['tar', 'GNU tar', (archive, folder) => run('tar', '-xpf', archive, '-C', folder)],
  ['tar', 'Python', (archive, folder) => run('python3', '-c', UNTAR_IN_PYTHON, archive, folder)],
  ['tar.gz', 'GNU tar', (archive, folder) => run('tar', '-xpzf', archive, '-C', folder)],
  ['zip', 'unzip', (archive, folder) => run('unzip', '-q', archive, '-d', folder)],
])(
  'a directory that leaves as %s is unpacked by %s as it came, with modes and times',
  async (format, _program, unpack) => {
    using scratch = new ScratchFolder()
    const archive = join(scratch.path, 'archive')
    expect(await download(`${server.url}${artifacts}/evaluation?archive=${format}`, archive)).toBe(0)
    expect(unpacked(unpack, archive, scratch.path)).toEqual(expected(relative(TREE)))
  },
)

test.each(['tar', 'tar.gz', 'zip'])('a directory that leaves as %s is unpacked by bsdtar', async (format) => {
  using scratch = new ScratchFolder()
  const archive = join(scratch.path, 'archive')
  expect(await download(`${server.url}${artifacts}/evaluation?archive=${format}`, archive)).toBe(0)
  const found = unpacked((file, folder) => run('bsdtar', '-xpf', file, '-C', folder), archive, scratch.path)
  expect(composed(found)).toEqual(composed(expected(relative(TREE))))
})

test("a zip passes unzip's own test, and Python unpacks the same bytes", async () => {
  using scratch = new ScratchFolder()
  const archive = join(scratch.path, 'archive')
  await download(`${server.url}${artifacts}/evaluation?archive=zip`, archive)
  expect(run('unzip', '-tqq', archive)).toMatchObject({ status: 0 })
  const found = unpacked(
    (file, folder) => run('python3', '-c', UNZIP_IN_PYTHON, file, folder),
    archive,
    scratch.path,
  )
  // Python's zipfile restores neither modes nor times.
  const bytesOf = (entries: Map<string, string>) =>
    new Map([...entries].map(([path, text]) => [path, text.split(' ')[0]]))
  expect(bytesOf(found)).toEqual(bytesOf(expected(relative(TREE))))
})

test('names are relative to the directory that was asked for, as `tar -C` has them', async () => {
  using scratch = new ScratchFolder()
  const archive = join(scratch.path, 'archive')
  const names = async (target: string) => {
    expect(await download(`${server.url}${artifacts}${target}`, archive)).toBe(0)
    return run('tar', '-tf', archive).stdout.split('\n')
  }
  expect(await names('/evaluation/steps/7?archive=tar')).toContain('7.bin')
  expect(await names('/evaluation/large?archive=tar')).toEqual(['exactly.bin', 'more.bin', ''])
  expect(await names('?archive=tar')).toEqual(
    expect.arrayContaining(['beside.txt', 'evaluation/empty/', 'evaluation/large/more.bin']),
  )
})

test('however the directory is named, its archive has the same bytes', async () => {
  const bytes = async (target: string) =>
    Buffer.from(await (await server.fetch(`${artifacts}${target}`)).arrayBuffer())
  const archive = await bytes('/evaluation/steps/7?archive=tar')
  expect(await bytes('/evaluation/steps/7/?archive=tar')).toEqual(archive)
  expect(await bytes('/evaluation%2Fsteps%2F7?archive=tar')).toEqual(archive)
  expect(await bytes('?path=evaluation/steps/7&archive=tar')).toEqual(archive)
  expect(gunzipSync(await bytes('/evaluation/steps/7?archive=tar.gz'))).toEqual(archive)
})

test.each([
  ['tar', 'application/x-tar'],
  ['tar.gz', 'application/gzip'],
  ['zip', 'application/zip'],
])('an archive is an attachment of its directory’s name: %s', async (format, type) => {
  const target = `${artifacts}/evaluation/${encodeURI('模型')}?archive=${format}`
  const [whole, head] = [await server.fetch(target), await server.fetch(target, { method: 'HEAD' })]
  expect((await whole.arrayBuffer()).byteLength).toBeGreaterThan(0)
  expect((await head.arrayBuffer()).byteLength).toBe(0)
  for (const { status, headers } of [whole, head]) {
    expect([status, headers.get('content-type'), headers.get('content-length')]).toEqual([200, type, null])
    expect(headers.get('content-disposition')).toContain(`filename*=UTF-8''${encodeURI('模型')}.${format}`)
    expect(headers.get('content-disposition')).toMatch(/^attachment; /)
  }
  const run = await server.fetch(`${artifacts}?archive=${format}`, { method: 'HEAD' })
  expect(run.headers.get('content-disposition')).toBe(`attachment; filename=${runId}.${format}`)
})

test('without a mode and a time, a file has 0644 and the time when it was stored', async () => {
  using scratch = new ScratchFolder()
  const archive = join(scratch.path, 'archive')
  await download(`${server.url}${artifacts}?archive=tar`, archive)
  run('tar', '-xpf', archive, '-C', scratch.path, 'beside.txt')
  const { mode, mtime } = statSync(join(scratch.path, 'beside.txt'))
  const { artifacts: rows } = await server.json(artifacts)
  const row = (rows as { path: string; stored_at: string }[]).find(({ path }) => path === 'beside.txt')
  expect(mode & 0o7777).toBe(0o644)
  expect(mtime.getTime()).toBe(Math.floor(Date.parse(row?.stored_at ?? '') / 1000) * 1000)
})

test('a directory that came empty is an archive without entries', async () => {
  using scratch = new ScratchFolder()
  const archive = join(scratch.path, 'archive')
  for (const format of ['tar', 'tar.gz', 'zip']) {
    expect(await download(`${server.url}${artifacts}/evaluation/empty?archive=${format}`, archive)).toBe(0)
    expect(run('bsdtar', '-tf', archive)).toMatchObject({ status: 0, stdout: '' })
    expect(readFileSync(archive).length).toBeGreaterThan(0)
  }
})

test.each([
  ['/beside.txt?archive=tar', 400, 'validation_failed', 'archive: the path is a file'],
  ['/nowhere?archive=tar', 404, 'artifact_not_found', 'at or below'],
  ['/evaluation/step?archive=tar', 404, 'artifact_not_found', 'at or below'],
  ['/evaluation?archive=rar', 400, 'validation_failed', 'archive: '],
  ['/../evaluation?archive=tar', 404, 'not_found', ''],
  ['?archive=tar&cursor=YQ', 400, 'validation_failed', 'cursor: '],
  ['?archive=tar&path=nowhere', 404, 'artifact_not_found', 'at or below'],
])('%s is answered with %i %s', async (target, status, code, detail) => {
  const response = await server.fetch(`${artifacts}${target}`)
  const problem = await response.json()
  expect([response.status, problem]).toMatchObject([status, { code }])
  expect((problem as { detail: string }).detail).toContain(detail)
})

test('a run without artifacts has no archive, and another tenant has none of any', async () => {
  const empty = await server.run()
  const own = await server.fetch(`${empty.path}/artifacts?archive=tar`)
  expect([own.status, await own.json()]).toMatchObject([404, { code: 'artifact_not_found' }])
  for (const target of ['?archive=tar', '/evaluation?archive=tar']) {
    const other = await server.fetch(`${artifacts}${target}`, { headers: { 'x-tenant-id': 'other' } })
    expect([other.status, await other.json()]).toMatchObject([404, { code: 'run_not_found' }])
  }
})

test('a directory that is asked for as if it were a file says how to get it', async () => {
  for (const name of ['evaluation', 'evaluation/steps', 'evaluation/empty']) {
    const response = await server.fetch(`${artifacts}/${name}`)
    const problem = (await response.json()) as { detail: string }
    expect([response.status, problem]).toMatchObject([404, { code: 'artifact_not_found' }])
    expect(problem.detail).toMatch(/directory.*\?archive=tar.*\/artifacts\?path=/)
  }
})
