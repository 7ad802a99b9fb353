import type { ArtifactPath } from '@lading/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { artifactsOf } from './artifacts.ts'
import { Database } from './database.ts'
import { explain, rowsRead } from './fixtures/explain.ts'
import { Harbour, onlyFile, openMigrated, SILENT } from './fixtures/harbour.ts'
import { Hints } from './hints.ts'
import type { Page, PageRequest } from './model.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog
let db: Database
let harbour: Harbour

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 2, timeoutMs: 60_000, log: SILENT })
  harbour = await Harbour.open(catalog)
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

const PAGE = { limit: 100, cursor: undefined }

/** The run has artifacts at these paths, and no others. */
async function fill(paths: readonly string[]): Promise<void> {
  const { runId, tenantId } = harbour.run
  await db.query(
    `WITH gone AS (DELETE FROM artifacts WHERE run_id = :runId AND path <> ALL (:paths::text[]))
     INSERT INTO artifacts (run_id, path, tenant_id, file_id, job_id, size, sha256, crc32, bucket, key, etag)
     SELECT :runId, path, :tenantId, gen_random_uuid(), gen_random_uuid(), 1, '\\x00', 0, 'bucket', path, 'etag'
     FROM unnest(:paths::text[]) AS p(path) ON CONFLICT DO NOTHING`,
    { runId, tenantId, paths },
  )
}

async function walk<T>(list: (page: PageRequest) => Promise<Page<T>>, limit: number): Promise<T[]> {
  const seen: T[] = []
  let cursor: string | undefined
  do {
    const page = await list({ limit, cursor })
    expect(page.items.length).toBeLessThanOrEqual(limit)
    if (page.nextCursor !== undefined) expect(page.items).toHaveLength(limit)
    seen.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return seen
}

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Characters below and above "/" in the order of bytes, of one to four bytes each. */
const name = fc.string({
  unit: fc.constantFrom('.', '-', '!', ' ', '0', '1', 'a', 'Z', '~', '\u007f', 'é', '日', '\uffff', '👍'),
  minLength: 1,
  maxLength: 3,
})
const tree = fc.uniqueArray(
  fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
  { maxLength: 30 },
)

test('a level lists the files and directories that lie directly in it, in bytewise order, whatever the page size', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.integer({ min: 1, max: 8 }), async (paths, limit) => {
      await fill(paths)
      for (const directory of ['', ...directoriesOf(paths)]) {
        const listed = await walk(
          (page) => catalog.api.artifacts.listLevel(harbour.run, directory, page),
          limit,
        )
        const seen = listed.map((item) => ('isDirectory' in item ? `${item.path}/` : item.path))
        expect(seen).toEqual(levelOf(paths, directory))
      }
    }),
    { numRuns: 40 },
  )
})

test('a deep list gives every file below a directory, in bytewise order, whatever the page size', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.integer({ min: 1, max: 8 }), async (paths, limit) => {
      await fill(paths)
      for (const directory of ['', ...directoriesOf(paths)]) {
        const listed = await walk(
          (page) => catalog.api.artifacts.listDeep(harbour.run, directory, page),
          limit,
        )
        const below = directory === '' ? '' : `${directory}/`
        const expected = paths.filter((path) => path.startsWith(below)).sort(bytewise)
        expect(listed.map(({ path }) => path)).toEqual(expected)
      }
    }),
    { numRuns: 40 },
  )
})

/** The naive way: every path, cut at the first slash below the directory. A directory ends in "/" here. */
function levelOf(paths: readonly string[], directory: string): string[] {
  const below = directory === '' ? '' : `${directory}/`
  const entries = paths
    .filter((path) => path.startsWith(below))
    .map((path) => {
      const slash = path.indexOf('/', below.length)
      return slash === -1 ? path : path.slice(0, slash + 1)
    })
  return [...new Set(entries)].sort(bytewise)
}

function directoriesOf(paths: readonly string[]): Set<string> {
  const directories = new Set<string>()
  for (const path of paths) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1))
      directories.add(path.slice(0, at))
  }
  return directories
}

test('a cursor goes on where it stopped, also when its row is gone and others have come', async () => {
  await fill(['a', 'b', 'c/1', 'c/2', 'd'])
  const { artifacts } = catalog.api
  const first = await artifacts.listLevel(harbour.run, '', { limit: 2, cursor: undefined })
  const third = await artifacts.listLevel(harbour.run, '', { limit: 3, cursor: undefined })
  await fill(['a', 'aa', 'bb', 'c-', 'c/3', 'c0', 'd'])
  const paths = async (cursor: string | undefined) =>
    (await artifacts.listLevel(harbour.run, '', { limit: 10, cursor })).items.map(({ path }) => path)
  expect(await paths(first.nextCursor)).toEqual(['bb', 'c-', 'c', 'c0', 'd'])
  expect(await paths(third.nextCursor)).toEqual(['c0', 'd'])
  const deep = await artifacts.listDeep(harbour.run, '', { limit: 2, cursor: undefined })
  await fill(['b', 'x'])
  expect(
    (await artifacts.listDeep(harbour.run, '', { limit: 10, cursor: deep.nextCursor })).items,
  ).toMatchObject([{ path: 'b' }, { path: 'x' }])
})

test('a cursor of another directory, or of nothing, is refused', async () => {
  await fill(['a/1', 'a/2', 'b'])
  const { artifacts } = catalog.api
  const { nextCursor } = await artifacts.listLevel(harbour.run, '', { limit: 1, cursor: undefined })
  for (const cursor of [nextCursor, '', '!!!', Buffer.from([0xff]).toString('base64url')]) {
    const refused = { code: 'validation_failed' }
    await expect(artifacts.listLevel(harbour.run, 'b', { limit: 1, cursor })).rejects.toMatchObject(refused)
    await expect(artifacts.listDeep(harbour.run, 'b', { limit: 1, cursor })).rejects.toMatchObject(refused)
  }
})

test('listing a level does not read what lies in its directories', async () => {
  await fill([])
  const { runId, tenantId } = harbour.run
  await db.query(
    `INSERT INTO artifacts (run_id, path, tenant_id, file_id, job_id, size, sha256, crc32, bucket, key, etag)
     SELECT :runId, CASE WHEN n > 20000 THEN 'z' || n ELSE 'logs/' || n END, :tenantId, gen_random_uuid(), gen_random_uuid(),
       1, '\\x00', 0, 'bucket', n::text, 'etag' FROM generate_series(1, 20010) AS n`,
    { runId, tenantId },
  )
  const artifacts = artifactsOf(db, new Hints(db, SILENT))
  const level = await artifacts.listLevel(harbour.run, '', PAGE)
  expect(level.items.map(({ path }) => path)).toEqual([
    'logs',
    ...Array.from({ length: 10 }, (_, n) => `z${20_001 + n}`),
  ])
  const plan = await explain(db, () => artifacts.listLevel(harbour.run, '', PAGE), harbour.tenant)
  expect(plan.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
  expect(rowsRead(plan, 'artifacts')).toBeLessThan(40)
  const first = { limit: 10, cursor: undefined }
  const page = await explain(db, () => artifacts.listDeep(harbour.run, 'logs', first), harbour.tenant)
  expect(rowsRead(page, 'artifacts')).toBeLessThan(20)
})

test('an artifact is found by its path, and is gone at once when it is deleted', async () => {
  const own = await Harbour.open(catalog)
  const { jobId } = await own.store(['models/a.pkl'])
  const path = 'models/a.pkl' as ArtifactPath
  expect(await catalog.api.artifacts.get(own.run, path)).toEqual({
    runId: own.run.runId,
    tenantId: own.tenant,
    path,
    jobId,
    size: 10,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    crc32: expect.any(Number),
    bucket: 'bucket',
    key: `${own.run.location.prefix}models/a.pkl`,
    etag: 'etag',
    state: 'stored',
    storedAt: expect.any(Date),
  })
  expect(await catalog.api.artifacts.get(harbour.run, path)).toBeUndefined()
  expect(await catalog.api.artifacts.delete(harbour.run, path)).toBe(false)
  expect(await catalog.api.artifacts.delete(own.run, path)).toBe(true)
  expect(await catalog.api.artifacts.delete(own.run, path)).toBe(false)
  expect(await catalog.api.artifacts.get(own.run, path)).toBeUndefined()
  expect((await catalog.api.artifacts.listLevel(own.run, '', PAGE)).items).toEqual([])
})

test('while a newer file is written, the artifact is listed as being replaced', async () => {
  const own = await Harbour.open(catalog)
  await own.store(['a'])
  await own.accept(['a'])
  const work = await own.takeOne()
  await own.begin(work)
  const page = await catalog.api.artifacts.listLevel(own.run, '', PAGE)
  expect(page.items).toMatchObject([{ path: onlyFile(work).path, state: 'replacing' }])
})
