import { type Catalog, openCatalog } from '@lading/catalog'
import { type ArtifactPath, DigestTaker, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import fc from 'fast-check'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../../test/support/provided.ts'
import { Arrivals } from './arrivals.ts'
import type { PlacedFile } from './lane.ts'
import { type Contents, lookThrough } from './look-through.ts'

const TENANT = 'acme' as TenantId
/** Few names, so that they meet; `a-` and `a.` come before `a/` in order, and are no part of it. */
const SEGMENT = fc.constantFrom('a', 'a-', 'a.', 'b', 'ä', '\u{1f6a2}', '\ufb01')
const ENTRIES: fc.Arbitrary<PlacedFile[]> = fc.array(
  fc
    .tuple(fc.array(SEGMENT, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 2 }))
    .map(([path, kind]) => entry(path.join('/'), kind === 2 ? 'directory' : 'file')),
  { minLength: 1, maxLength: 9 },
)

let url: string
let catalog: Catalog
let database: pg.Client

beforeAll(async () => {
  url = await freshDatabase()
  catalog = openCatalog({ url, defaultBucket: 'artifacts', log: pino({ level: 'silent' }) })
  await catalog.migrateUp()
  database = new pg.Client({ connectionString: url })
  await database.connect()
})

afterAll(async () => {
  await database.end()
  await catalog.close()
})

test('files that go aside are settled as those that are held: the same is kept, dropped and refused', async () => {
  await fc.assert(
    fc.asyncProperty(ENTRIES, fc.integer({ min: 1, max: 3 }), async (entries, pageSize) => {
      expect(await outcome(entries, pageSize)).toEqual(await outcome(entries, 1000))
    }),
    { numRuns: 150 },
  )
})

test('files are placed below a directory that is known last, and looked at again', async () => {
  const entries = ['x/1', 'x/2', 'y', 'z'].map((path) => entry(path))
  for (const pageSize of [1, 1000]) {
    await using arrivals = await gathered(entries, pageSize)
    await arrivals.placeBelow('models/v1' as ArtifactPath)
    expect((await contentsOf(arrivals)).listed).toEqual([
      'models/v1/x/1',
      'models/v1/x/2',
      'models/v1/y',
      'models/v1/z',
    ])
  }
  await using deep = await gathered(entries, 1)
  const directory = Array.from({ length: 63 }, () => 'd').join('/') as ArtifactPath
  await expect(deep.placeBelow(directory)).rejects.toMatchObject({ code: 'path_invalid' })
})

test('nothing of a request that was accepted, refused or broken off stays aside', async () => {
  await outcome([entry('a'), entry('a'), entry('b')], 1)
  await outcome([entry('a'), entry('b'), entry('c')], 1)
  expect(await rowsAside()).toBe(0)
})

test('what a killed process left aside is forgotten once it has given no sign for long', async () => {
  const left = await catalog.api.uploads.arrive(TENANT)
  await left.add([entry('a'), entry('b')])
  await catalog.delivery.sweeps.forgetArrivals(60_000)
  expect(await rowsAside()).toBe(2)
  await database.query(`UPDATE arrivals SET seen_at = now() - interval '2 minutes'`)
  await catalog.delivery.sweeps.forgetArrivals(60_000)
  expect(await rowsAside()).toBe(0)
  await left[Symbol.asyncDispose]()
})

test('a request is refused, and may come again, when Postgres has crashed and lost what went aside', async () => {
  await using arrivals = await gathered([entry('a'), entry('b'), entry('c')], 1)
  await arrivals.pages().next()
  await database.query('TRUNCATE arriving_files')
  await expect(arrivals.settle()).rejects.toMatchObject({ code: 'catalog_unavailable', retryable: true })
})

async function gathered(entries: readonly PlacedFile[], pageSize: number): Promise<Arrivals> {
  const arrivals = new Arrivals(catalog.api.uploads, TENANT, pageSize)
  for (const entry of entries) await arrivals.add(entry)
  return arrivals
}

async function contentsOf(arrivals: Arrivals): Promise<Contents> {
  const contents = await lookThrough(await arrivals.settle(), async () => undefined)
  return { ...contents, listed: [...contents.listed].sort() }
}

/** What is kept, or the code of the refusal. */
async function outcome(entries: readonly PlacedFile[], pageSize: number): Promise<Contents | string> {
  await using arrivals = await gathered(entries, pageSize)
  try {
    return await contentsOf(arrivals)
  } catch (error) {
    if (error instanceof LadingError) return error.code
    throw error
  }
}

async function rowsAside(): Promise<number> {
  const { rows } = await database.query('SELECT count(*)::int AS rows FROM arriving_files')
  return rows[0].rows
}

function entry(path: string, type: PlacedFile['type'] = 'file'): PlacedFile {
  const digests = new DigestTaker()
  if (type === 'file') digests.update(Buffer.from(path))
  const facts = { mode: undefined, mtime: undefined, packOffset: 0 }
  return { path: path as ArtifactPath, type, ...facts, ...digests.finish() }
}
