import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { formatDigestField, type Sha256Hex } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { type Expected, oddTree, SourceTree } from './fixtures/source-tree.ts'

let server: ApiUnderTest
let tree: SourceTree

beforeAll(async () => {
  server = await ApiUnderTest.start()
  tree = oddTree()
})

afterAll(async () => {
  tree[Symbol.dispose]()
  await server[Symbol.asyncDispose]()
})

function post(path: string, type: string, body: Buffer | FormData, headers: Record<string, string> = {}) {
  const typed = type === '' ? headers : { ...headers, 'content-type': type }
  return server.fetch(path, { method: 'POST', headers: typed, body: body as never })
}

interface Listed {
  readonly path: string
  readonly is_dir: boolean
  readonly sha256?: string
  readonly mode?: number | null
  readonly mtime?: string | null
}

async function list(run: string): Promise<Listed[]> {
  const { artifacts } = await server.json(`${run}/artifacts?recursive=true&limit=1000`)
  return artifacts as Listed[]
}

function byPath(a: { path: string }, b: { path: string }): number {
  return Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))
}

/** What the run lists below the directory, as the tree would say it. */
async function found(run: string, directory: string): Promise<Expected[]> {
  return (await list(run)).map(({ path, is_dir, sha256, mode, mtime }) => ({
    path: `${path.slice(directory.length + 1)}${is_dir ? '/' : ''}`,
    sha256,
    mode: mode ?? -1,
    mtime: mtime ? Date.parse(mtime) : -1,
  }))
}

/** Each file's bytes as they are downloaded, by digest. */
async function download(run: string, paths: readonly string[]): Promise<(string | undefined)[]> {
  const digests: (string | undefined)[] = []
  for (const path of paths) {
    const url = path.split('/').map(encodeURIComponent).join('/')
    const response = await server.fetch(`${run}/artifacts/${url}`)
    const hash = createHash('sha256').update(Buffer.from(await response.arrayBuffer()))
    digests.push(response.status === 200 ? hash.digest('hex') : undefined)
  }
  return digests
}

const PYTHON_ZIP = `
import os, sys, zipfile
method = {'stored': zipfile.ZIP_STORED, 'deflated': zipfile.ZIP_DEFLATED}[sys.argv[1]]
with zipfile.ZipFile(sys.stdout.buffer, 'w', method) as z:
  for folder, folders, files in os.walk('.'):
    for name in files + [f + '/' for f in folders if not os.listdir(os.path.join(folder, f))]:
      z.write(os.path.join(folder, name), os.path.relpath(os.path.join(folder, name), '.'))
`

const PYTHON_TAR = `
import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as t: t.add('.')
`

test.each<readonly [what: string, type: string, pack: (tree: SourceTree) => Buffer, facts: boolean]>([
  ['a tar of GNU tar', 'application/x-tar', (t) => t.tar('--format=gnu'), true],
  ['a pax tar of GNU tar', 'application/tar', (t) => t.tar('--format=posix'), true],
  ['a tar of bsdtar', 'application/x-tar', (t) => t.pack('bsdtar', '-cf', '-', '.'), true],
  ['a tar of Python', 'application/x-tar', (t) => t.pack('python3', '-c', PYTHON_TAR), true],
  ['a tar.gz of GNU tar', 'application/gzip', (t) => t.tar('-z'), true],
  ['a tar.gz in two members', 'application/x-gzip', (t) => inMembers(t.tar()), true],
  ['a tar.zst', 'application/zstd', (t) => zstdCompressSync(t.tar()), true],
  ['a zip of Info-ZIP', 'application/zip', (t) => t.pack('zip', '-q', '-r', '-', '.'), true],
  ['a zip of stored files', 'application/x-zip-compressed', (t) => t.pack('zip', '-q0r', '-', '.'), true],
  ['a zip of Python', 'application/zip', (t) => t.pack('python3', '-c', PYTHON_ZIP, 'deflated'), false],
  ['a stored zip of Python', 'application/zip', (t) => t.pack('python3', '-c', PYTHON_ZIP, 'stored'), false],
  ['a zip of bsdtar', 'application/zip', (t) => t.packed('bsdtar', '--format=zip', '-cf'), true],
  [
    'a zip of bsdtar through a pipe, which it fills up with zeros',
    'application/zip',
    (t) => t.pack('bsdtar', '-a', '-cf', '-', '--format', 'zip', '.'),
    true,
  ],
])('%s brings every file and empty directory, byte for byte', async (_what, type, pack, facts) => {
  const { path: run } = await server.run()
  const packs = (await server.packs()).length
  const response = await post(`${run}/log-artifacts?artifact_path=evaluation`, type, pack(tree))
  const receipt = (await response.json()) as Record<string, unknown>
  expect([response.status, receipt]).toMatchObject([202, { files: tree.expected.length }])
  expect(await server.json(String(receipt.status_url))).toMatchObject({
    state: 'queued',
    atomic: true,
    files: { total: tree.expected.length },
  })
  await server.deliver()
  const known = ({ path, sha256, mode, mtime }: Expected) =>
    facts && sha256 !== undefined ? { path, sha256, mode, mtime } : { path, sha256 }
  const listed = await found(run, 'evaluation')
  expect(listed.map(known).sort(byPath)).toEqual(tree.expected.map(known).sort(byPath))
  const files = tree.expected.filter(({ sha256 }) => sha256 !== undefined)
  const downloaded = await download(
    run,
    files.map(({ path }) => `evaluation/${path}`),
  )
  expect(downloaded).toEqual(files.map(({ sha256 }) => sha256))
  expect(await server.packs()).toHaveLength(packs + 1)
})

function inMembers(tar: Buffer): Buffer {
  return Buffer.concat([gzipSync(tar.subarray(0, 5000)), gzipSync(tar.subarray(5000))])
}

test('where a directory goes may be said by the form or by the query, but by one of them', async () => {
  const { path: run } = await server.run()
  const form = () => {
    const form = new FormData()
    form.append('file', new Blob(['x']), 'x.txt')
    form.append('artifact_path', 'by-form')
    return form
  }
  const once = await post(`${run}/log-artifacts?atomic=false`, '', form())
  const receipt = (await once.json()) as Record<string, string>
  expect(receipt).toMatchObject({ artifact: 'by-form/x.txt' })
  expect(await server.json(String(receipt.status_url))).toMatchObject({ atomic: false })
  const twice = await post(`${run}/log-artifacts?artifact_path=by-query`, '', form())
  expect([twice.status, await twice.json()]).toMatchObject([400, { code: 'duplicate_field' }])
})

test('an atomic directory is shown when all of it is there, one that is not as it lands', async () => {
  for (const [atomic, before] of [
    [true, 0],
    [false, 1],
  ] as const) {
    const { path: run } = await server.run()
    const form = new FormData()
    // Work is planned in pieces, and what is too large for one is a piece of its own.
    form.append('file', new Blob([Buffer.alloc(17 * 2 ** 20)]), 'large.bin')
    form.append('file', new Blob(['small']), 'small.txt')
    const { status } = await post(`${run}/log-artifacts?atomic=${atomic}`, '', form)
    expect(status).toBe(202)
    await server.deliver(1)
    expect(await list(run)).toHaveLength(before)
    await server.deliver()
    expect(await list(run)).toHaveLength(2)
  }
})

test('an archive is accepted once, however often it is sent with the same key, and its digest is held to', async () => {
  const { path: run } = await server.run()
  const tar = tree.tar()
  const headers = { 'idempotency-key': 'archive-1', 'content-digest': digestOf(tar) }
  const [first, second] = [
    await post(`${run}/log-artifacts`, 'application/x-tar', tar, headers),
    await post(`${run}/log-artifacts`, 'application/x-tar', tar, headers),
  ]
  const jobs = [await first.json(), await second.json()] as { job_id: string }[]
  expect([first.status, second.status, second.headers.get('idempotency-replayed')]).toEqual([
    202,
    202,
    'true',
  ])
  expect(jobs[0]?.job_id).toBe(jobs[1]?.job_id)
  const other = { 'content-digest': digestOf(Buffer.from('other')) }
  const refused = await post(`${run}/log-artifacts`, 'application/x-tar', tar, other)
  expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'digest_mismatch' }])
})

function digestOf(bytes: Buffer): string {
  return formatDigestField(createHash('sha256').update(bytes).digest('hex') as Sha256Hex)
}

test('a directory that is logged again over itself, changed, is what was sent last', async () => {
  const { path: run } = await server.run()
  using first = new SourceTree().file('kept').file('changed', 'before').directory('filled')
  using second = new SourceTree().file('kept').file('changed', 'after').file('filled/now')
  for (const source of [first, second]) {
    expect((await post(`${run}/log-artifacts`, 'application/x-tar', source.tar())).status).toBe(202)
    await server.deliver()
  }
  const changed = readFileSync(join(second.folder, 'changed'))
  expect(await (await server.fetch(`${run}/artifacts/changed`)).text()).toBe(changed.toString())
  expect((await list(run)).map(({ path }) => path)).toContain('filled/now')
})

test('a form of more files than one request of single files may have is one atomic job', async () => {
  const { path: run } = await server.run()
  const form = new FormData()
  for (let index = 0; index < 1500; index++) form.append('file', new Blob([`${index}`]), `d/${index}.txt`)
  const response = await post(`${run}/log-artifacts?artifact_path=many`, '', form)
  const receipt = (await response.json()) as { artifacts: string[]; job_id: string }
  expect([response.status, receipt]).toMatchObject([202, { files: 1500, artifact: 'many/d/0.txt' }])
  expect(receipt.artifacts).toHaveLength(1000)
  expect(await server.json(`/api/v1/jobs/${receipt.job_id}`)).toMatchObject({ atomic: true })
})
