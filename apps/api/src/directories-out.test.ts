import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { deleteObjects, storeTree, type TreeEntry } from './fixtures/store-tree.ts'

let server: ApiUnderTest
let artifacts: string
let runId: string

const MTIME = new Date('2024-05-06T07:08:09.000Z')
const TREE: readonly TreeEntry[] = [
  { path: 'a.txt', bytes: Buffer.from('a') },
  { path: 'dir/empty', bytes: undefined, mode: 0o700, mtime: MTIME },
  { path: 'dir/empty-not', bytes: Buffer.from('a file beside it') },
  { path: 'dir/sub/b.sh', bytes: Buffer.from('#!'), mode: 0o755, mtime: MTIME },
  { path: 'dir/sub/c.txt', bytes: Buffer.from('c') },
  { path: 'lone/empty', bytes: undefined },
]

beforeAll(async () => {
  server = await ApiUnderTest.start()
})

afterAll(() => server[Symbol.asyncDispose]())

beforeEach(async () => {
  const made = await server.run()
  runId = made.runId
  artifacts = `${made.path}/artifacts`
  await storeTree(server, runId, TREE)
})

interface Row {
  path: string
  is_dir: boolean
}

function label({ path, is_dir: isDirectory }: Row): string {
  return isDirectory ? `${path}/` : path
}

async function page(query: string): Promise<{ rows: Row[]; cursor: string | null }> {
  const body = await server.json(`${artifacts}?${query}`)
  return { rows: body.artifacts as Row[], cursor: body.next_cursor as string | null }
}

async function names(query: string): Promise<string[]> {
  return (await page(query)).rows.map(label)
}

test('directories that came empty are listed at their level and in depth', async () => {
  expect(await names('')).toEqual(['a.txt', 'dir/', 'lone/'])
  expect(await names('path=dir')).toEqual(['dir/empty-not', 'dir/empty/', 'dir/sub/'])
  expect(await names('path=lone')).toEqual(['lone/empty/'])
  expect(await names('path=lone/empty')).toEqual([])
  expect(await names('recursive=true')).toEqual([
    'a.txt',
    'dir/empty-not',
    'dir/empty/',
    'dir/sub/b.sh',
    'dir/sub/c.txt',
    'lone/empty/',
  ])
  expect((await page('path=lone')).rows).toEqual([{ path: 'lone/empty', is_dir: true }])
})

test('a file has its mode and time where an archive brought them, and neither where none did', async () => {
  const [script, text] = (await page('path=dir/sub')).rows
  expect(script).toMatchObject({ mode: 0o755, mtime: MTIME.toISOString() })
  expect(text).not.toHaveProperty('mode')
  expect(text).not.toHaveProperty('mtime')
})

test.each(['', 'path=dir', 'recursive=true', 'path=dir&recursive=true'])(
  'page by page, of any size, the list is the same: "%s"',
  async (query) => {
    const whole = await names(query)
    for (let limit = 1; limit <= whole.length; limit++) {
      const paged: string[] = []
      let cursor = ''
      do {
        const { rows, cursor: next } = await page(`${query}&limit=${limit}${cursor}`)
        paged.push(...rows.map(label))
        cursor = next === null ? '' : `&cursor=${next}`
      } while (cursor !== '')
      expect(paged).toEqual(whole)
    }
  },
)

test('a cursor holds its place while what lies before it comes and goes', async () => {
  const { cursor } = await page('recursive=true&limit=3')
  await server.fetch(`${artifacts}/dir/empty-not`, { method: 'DELETE' })
  await storeTree(server, runId, [{ path: 'aa.txt', bytes: Buffer.from('new') }])
  const { rows } = await page(`recursive=true&limit=2&cursor=${cursor}`)
  expect(rows.map(label)).toEqual(['dir/sub/b.sh', 'dir/sub/c.txt'])
})

test('a directory is deleted by a job, whose end says that its objects are gone', async () => {
  const objects = async () => {
    let count = 0
    for await (const _ of server.store.list('artifacts', '', signal())) count++
    return count
  }
  await deleteObjects(server)
  const before = await objects()
  const response = await server.fetch(`${artifacts}/dir?recursive=true`, { method: 'DELETE' })
  const job = (await response.json()) as Record<string, unknown>
  expect([response.status, response.headers.get('location')]).toEqual([202, job.status_url])
  expect(job).toMatchObject({ kind: 'delete', state: 'running', files: { total: 3, done: 0 } })
  expect(await names('recursive=true')).toEqual(['a.txt', 'lone/empty/'])
  await deleteObjects(server)
  await until(async () => (await server.json(String(job.status_url))).state === 'completed', {
    within: 20_000,
  })
  expect(await server.json(String(job.status_url))).toMatchObject({
    files: { total: 3, stored: 3, failed: 0 },
  })
  expect(await objects()).toBe(before - 3)
  const again = await server.fetch(`${artifacts}/dir?recursive=true`, { method: 'DELETE' })
  expect([again.status, await again.json()]).toMatchObject([404, { code: 'artifact_not_found' }])
})

function signal(): AbortSignal {
  return AbortSignal.timeout(20_000)
}

test('a directory that came empty is deleted at once, as a job with nothing left to do', async () => {
  const response = await server.fetch(`${artifacts}/dir/empty/?recursive=true`, { method: 'DELETE' })
  expect([response.status, await response.json()]).toMatchObject([
    202,
    { kind: 'delete', state: 'completed' },
  ])
  expect(await names('path=dir')).toEqual(['dir/empty-not', 'dir/sub/'])
})

test.each(['dir', 'dir/sub', 'lone/empty'])(
  '%s is not deleted without being told `recursive`',
  async (path) => {
    for (const query of ['', '?recursive=false']) {
      const response = await server.fetch(`${artifacts}/${path}${query}`, { method: 'DELETE' })
      const problem = (await response.json()) as { detail: string }
      expect([response.status, problem]).toMatchObject([400, { code: 'validation_failed' }])
      expect(problem.detail).toContain('?recursive=true')
    }
    expect(await names('recursive=true')).toHaveLength(TREE.length)
  },
)

test('a file is deleted with `recursive` as without, and another tenant deletes nothing', async () => {
  const remove = (target: string, headers: Record<string, string> = {}) =>
    server.fetch(`${artifacts}/${target}`, { method: 'DELETE', headers })
  expect((await remove('dir?recursive=true', { 'x-tenant-id': 'other' })).status).toBe(404)
  expect((await remove('a.txt?recursive=true')).status).toBe(204)
  expect((await remove('dir/empty-not')).status).toBe(204)
  expect((await remove('nowhere?recursive=true')).status).toBe(404)
  expect(await names('recursive=true')).toEqual([
    'dir/empty/',
    'dir/sub/b.sh',
    'dir/sub/c.txt',
    'lone/empty/',
  ])
})
