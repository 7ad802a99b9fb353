import { createHash } from 'node:crypto'
import { truncate, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { formatDigestField, type Sha256Hex } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'

let server: ApiUnderTest
let path: string

const TEXT = 'the bytes of an artifact'
const SHA256 = createHash('sha256').update(TEXT).digest('hex') as Sha256Hex
const ETAG = `"${SHA256}"`
const NAMES = ['a.txt', 'plots/loss.png', 'plots/deep/er.svg', 'page.html', 'файл 1.csv', 'zero.bin']

beforeAll(async () => {
  server = await ApiUnderTest.start()
  path = (await server.run()).path
  for (const name of NAMES) await put(name, name === 'zero.bin' ? '' : TEXT)
  await server.deliver()
})

afterAll(() => server[Symbol.asyncDispose]())

async function put(name: string, body: string): Promise<void> {
  const response = await server.fetch(`${path}/artifacts/${encodeURI(name)}`, { method: 'PUT', body })
  expect(response.status).toBe(202)
}

function get(name: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return server.fetch(`${path}/artifacts/${encodeURI(name)}`, { method, headers })
}

test('an artifact is served with its digest, its tag, and nothing that could run', async () => {
  const response = await get('a.txt')
  expect(await response.text()).toBe(TEXT)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    etag: ETAG,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(TEXT.length),
    'content-disposition': 'inline; filename=a.txt',
    'repr-digest': formatDigestField(SHA256),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
  })
})

test('what could run script is an attachment, and names of any script survive', async () => {
  const disposition = async (name: string) => (await get(name)).headers.get('content-disposition')
  expect(await disposition('page.html')).toMatch(/^attachment; /)
  expect(await disposition('plots/deep/er.svg')).toMatch(/^attachment; /)
  expect(await disposition('файл 1.csv')).toContain(`filename*=UTF-8''${encodeURIComponent('файл 1.csv')}`)
})

test('HEAD answers as GET does, without the bytes', async () => {
  const [head, whole] = [await get('a.txt', {}, 'HEAD'), await get('a.txt')]
  expect([head.status, await head.text()]).toEqual([200, ''])
  const without = ({ headers }: Response) => {
    const {
      date: _1,
      'x-request-id': _2,
      connection: _3,
      'keep-alive': _4,
      ...rest
    } = Object.fromEntries(headers)
    return rest
  }
  await whole.text()
  expect(without(head)).toEqual(without(whole))
})

test.each([
  ['bytes=0-2', 206, 'the', `bytes 0-2/${TEXT.length}`],
  ['bytes=4-', 206, TEXT.slice(4), `bytes 4-${TEXT.length - 1}/${TEXT.length}`],
  ['bytes=-8', 206, 'artifact', `bytes ${TEXT.length - 8}-${TEXT.length - 1}/${TEXT.length}`],
  ['bytes=-999', 206, TEXT, `bytes 0-${TEXT.length - 1}/${TEXT.length}`],
  ['bytes=0-0,2-2', 200, TEXT, null],
  ['bytes=2-1', 200, TEXT, null],
  ['lines=1-2', 200, TEXT, null],
])('the range %s is answered with %i', async (range, status, text, contentRange) => {
  const response = await get('a.txt', { range })
  expect([response.status, await response.text()]).toEqual([status, text])
  expect(response.headers.get('content-range')).toBe(contentRange)
})

test.each(['bytes=24-', 'bytes=100-200', 'bytes=-0'])('the range %s lies outside', async (range) => {
  const response = await get('a.txt', { range })
  expect([response.status, await response.json()]).toMatchObject([416, { code: 'range_not_satisfiable' }])
  expect(response.headers.get('content-range')).toBe(`bytes */${TEXT.length}`)
})

test.each([
  [{ 'if-none-match': ETAG }, 304],
  [{ 'if-none-match': `"other", W/${ETAG}` }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': '"other"' }, 200],
  [{ 'if-match': ETAG }, 200],
  [{ 'if-match': '"other"' }, 412],
  [{ 'if-match': `W/${ETAG}` }, 412],
  [{ 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() }, 304],
  [{ 'if-modified-since': new Date(0).toUTCString() }, 200],
  [{ 'if-modified-since': new Date(Date.now() + 60_000).toUTCString(), 'if-none-match': '"other"' }, 200],
  [{ 'if-unmodified-since': new Date(0).toUTCString() }, 412],
  [{ range: 'bytes=0-0', 'if-range': ETAG }, 206],
  [{ range: 'bytes=0-0', 'if-range': '"other"' }, 200],
  [{ range: 'bytes=0-0', 'if-range': new Date(0).toUTCString() }, 200],
] as [Record<string, string>, number][])('a request with %j is answered with %i', async (headers, status) => {
  const response = await get('a.txt', headers)
  await response.text()
  expect(response.status).toBe(status)
  if (status === 304) expect(response.headers.get('etag')).toBe(ETAG)
})

test('artifacts are listed by level and in depth, page by page', async () => {
  const root = await server.json(`${path}/artifacts`)
  const entries = root.artifacts as { path: string; is_dir: boolean }[]
  expect(entries.map((entry) => [entry.path, entry.is_dir])).toEqual([
    ['a.txt', false],
    ['page.html', false],
    ['plots', true],
    ['zero.bin', false],
    ['файл 1.csv', false],
  ])
  expect(entries[0]).toMatchObject({
    size: TEXT.length,
    sha256: SHA256,
    type: 'report',
    content_type: 'text/plain; charset=utf-8',
    etag: ETAG,
    state: 'stored',
  })
  const paths: string[] = []
  let cursor = ''
  do {
    const page = await server.json(`${path}/artifacts?path=plots/&recursive=true&limit=1${cursor}`)
    paths.push(...(page.artifacts as { path: string }[]).map((entry) => entry.path))
    cursor = page.next_cursor === null ? '' : `&cursor=${String(page.next_cursor)}`
  } while (cursor !== '')
  expect(paths).toEqual(['plots/deep/er.svg', 'plots/loss.png'])
})

test('a deleted artifact is gone, and another tenant never saw it', async () => {
  await put('gone.txt', TEXT)
  await server.deliver()
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    expect((await get('gone.txt', { 'x-tenant-id': 'other' }, method)).status).toBe(404)
  }
  expect((await get('gone.txt', {}, 'DELETE')).status).toBe(204)
  const response = await get('gone.txt')
  expect([response.status, await response.json()]).toMatchObject([404, { code: 'artifact_not_found' }])
  expect((await get('gone.txt', {}, 'DELETE')).status).toBe(404)
})

async function fileOf(name: string): Promise<string> {
  const page = await server.json(`${path}/artifacts?recursive=true`)
  const uri = (page.artifacts as { path: string; uri: string }[]).find((entry) => entry.path === name)?.uri
  return fileURLToPath(String(uri))
}

test.each([
  ['cut short', (file: string) => truncate(file, 5)],
  ['other bytes', (file: string) => writeFile(file, 'THE BYTES OF AN ARTIFACT')],
])('an object that became %s in the store is never served as whole', async (what, damage) => {
  const name = `${what.replaceAll(' ', '-')}.txt`
  await put(name, TEXT)
  await server.deliver()
  await damage(await fileOf(name))
  const outcome = await get(name)
    .then(
      async (response) => (response.ok ? await response.text() : response.status),
      () => 'reset',
    )
    .catch(() => 'reset')
  expect(outcome).not.toBe(TEXT)
  expect(['reset', 409, 502]).toContain(outcome)
})
