import type { ArtifactPath } from '@lading/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import type { ScrubbedArtifact } from './delivery-catalog.ts'
import { explain, rowsRead } from './fixtures/explain.ts'
import { failed, Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'
import { scrubsOf } from './scrubs.ts'

let catalog: Catalog
let db: Database
let harbour: Harbour

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 2, timeoutMs: 10_000, log: SILENT })
})

beforeEach(async () => {
  harbour = await Harbour.open(catalog)
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

/** Everything of the harbour's run that is due, one at a time, as a pass would see it. */
async function passOver(olderThanMs = 0): Promise<ScrubbedArtifact[]> {
  const { scrubs } = catalog.delivery
  const seen: ScrubbedArtifact[] = []
  let place = await scrubs.begin(olderThanMs, { runId: harbour.run.runId })
  for (;;) {
    const [next] = await scrubs.due(place, 1)
    if (next === undefined) return seen
    seen.push(next)
    place = next.place
  }
}

async function only(): Promise<ScrubbedArtifact> {
  const [artifact, ...more] = await passOver()
  if (artifact === undefined || more.length > 0) throw new Error('there is not one artifact')
  return artifact
}

async function artifact(path = 'a') {
  return await catalog.api.artifacts.get(harbour.run, path as ArtifactPath)
}

const found: Catalog['delivery']['scrubs']['found'] = (one, now) => catalog.delivery.scrubs.found(one, now)

test('a pass sees each artifact once, what was not read for longest first, and no empty directory', async () => {
  await harbour.store(['a', 'b', 'c', 'empty/'])
  expect((await passOver()).map(({ path }) => path)).toEqual(['a', 'b', 'c'])
  for (const one of (await passOver()).slice(0, 2).reverse()) await found(one, { etag: one.etag })
  expect((await passOver()).map(({ path }) => path)).toEqual(['c', 'b', 'a'])
  expect(await passOver(60_000)).toEqual([])
})

test('what was read while the pass went on does not come again in it', async () => {
  await harbour.store(['a', 'b'])
  const { scrubs } = catalog.delivery
  const start = await scrubs.begin(0, { runId: harbour.run.runId })
  for (const one of await scrubs.due(start, 10)) await found(one, { etag: one.etag })
  expect(await scrubs.due(start, 10)).toEqual([])
})

test('an artifact that has rotted says since when, until it is found right again', async () => {
  await harbour.store(['a'])
  await found(await only(), { rot: 'damaged' })
  const first = await artifact()
  expect(first).toMatchObject({ rot: { is: 'damaged' }, verifiedAt: expect.any(Date) })
  await found(await only(), { rot: 'missing' })
  expect((await artifact())?.rot).toEqual({ is: 'missing', since: first?.rot?.since })
  await found(await only(), { etag: 'etag' })
  expect((await artifact())?.rot).toBeUndefined()
})

test('how many have rotted is counted', async () => {
  await harbour.store(['a', 'b'])
  const before = await catalog.delivery.scrubs.summary()
  const [one] = await passOver()
  if (one) await found(one, { rot: 'missing' })
  const after = await catalog.delivery.scrubs.summary()
  expect(after.rotted).toBe(before.rotted + 1)
  expect(after.oldestAgeMs).toBeGreaterThan(0)
})

test('the right bytes under another ETag are the artifact from then on', async () => {
  await harbour.store(['a'])
  expect(await found(await only(), { etag: 'restored' })).toBe(true)
  expect((await artifact())?.etag).toBe('restored')
})

test.each<[string, () => Promise<unknown>]>([
  ['deleted', () => catalog.api.artifacts.delete(harbour.run, 'a' as ArtifactPath)],
  ['replaced', () => harbour.store(['a'])],
  ['about to be replaced', () => letWriterAt()],
  ['left by a writer that was given up', () => letWriterAt().then(giveUp)],
  [
    'moved',
    () =>
      db.query(`UPDATE artifacts SET key = key || '.moved' WHERE run_id = :runId`, {
        runId: harbour.run.runId,
      }),
  ],
])('what was read before an artifact was %s is not noted', async (_, change) => {
  await harbour.store(['a'])
  const read = await only()
  await change()
  const before = await artifact()
  expect(await found(read, { rot: 'damaged' })).toBe(false)
  expect(await found(read, { etag: 'another' })).toBe(false)
  expect(await artifact()).toEqual(before)
})

test('an artifact that is being replaced is not read', async () => {
  await harbour.store(['a'])
  await letWriterAt()
  expect(await passOver()).toEqual([])
})

test('a newer file takes the mark away, with the bytes that it spoke of', async () => {
  await harbour.store(['a'])
  await found(await only(), { rot: 'damaged' })
  await harbour.store(['a'])
  expect(await artifact()).toMatchObject({ rot: undefined, verifiedAt: undefined })
})

test('what comes next is found without a look at the rest', async () => {
  const paths = Array.from({ length: 2_000 }, (_, n) => `f/${n}`)
  await harbour.store(paths)
  await db.query('ANALYZE artifacts')
  const scrubs = catalog.delivery.scrubs
  const start = await scrubs.begin(0, {})
  const place = (await scrubs.due(start, 10)).at(-1)?.place ?? start
  const nodes = await explain(db, () => scrubsOf(db).due(place, 10))
  expect(rowsRead(nodes, 'artifacts')).toBeLessThan(100)
})

async function letWriterAt() {
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  return work
}

async function giveUp(work: Awaited<ReturnType<typeof letWriterAt>>): Promise<void> {
  await harbour.settle(work, failed(work))
  const [doubt] = await catalog.delivery.sweeps.doubtfulArtifacts(100)
  if (doubt) await catalog.delivery.sweeps.resolveDoubt(doubt, true)
}
