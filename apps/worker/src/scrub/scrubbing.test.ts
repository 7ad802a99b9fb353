import { createHash, randomBytes } from 'node:crypto'
import { readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32Of, type ObjectRef, type Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { describe, expect, test } from 'vitest'
import { until } from '../../../../test/support/deadline.ts'
import { Gate, Interposer } from '../../../../test/support/interposer.ts'
import { Harness, type TestWorker, type Uploader } from '../../../../test/support/worker-harness.ts'
import { Pace } from './pace.ts'
import { scrubPass } from './scrub-pass.ts'

const WITHIN = { within: 45_000 }
const LARGE = 9 * 1024 * 1024
const signal = AbortSignal.timeout(600_000)
/** Everything is due all the time. */
const scrub = { bytesPerSecond: 2 ** 40, objectsPerSecond: 100_000, everyMs: 0, pollMs: 20 }
const NEVER = { ...scrub, bytesPerSecond: 0 }

describe.each(['directory', 's3'] as const)('objects in a store of the kind %s', (store) => {
  test('an object that holds other bytes is marked as damaged, and no other', async () => {
    await using harness = await Harness.open({ store, config: { scrub } })
    const worker = harness.startWorker()
    const uploader = await deliver(harness, { a: 'aaa', b: 'bbb' })
    await overwrite(harness, await refOf(uploader, 'a'), Buffer.from('aXa'))
    await until(async () => (await uploader.artifact('a'))?.rot?.is === 'damaged', WITHIN)
    await passed(worker)
    expect((await uploader.artifact('b'))?.rot).toBeUndefined()
    expect((await uploader.artifact('b'))?.verifiedAt).toBeDefined()
    expect(await worker.metric('lading_scrubbed_artifacts_total', { verdict: 'rotted' })).toBeGreaterThan(0)
  })

  test.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['cut between two reads', (bytes: Buffer) => bytes.subarray(0, 8 * 1024 * 1024)],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
    [
      'changed at its end',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([~(bytes.at(-1) ?? 0) & 255])]),
    ],
  ])('a large object that is %s is damaged', async (_, damage) => {
    await using harness = await Harness.open({ store, config: { scrub } })
    harness.startWorker()
    const bytes = randomBytes(LARGE)
    const uploader = await deliver(harness, { large: bytes })
    await until(async () => (await uploader.artifact('large'))?.verifiedAt !== undefined, WITHIN)
    expect((await uploader.artifact('large'))?.rot).toBeUndefined()
    await overwrite(harness, await refOf(uploader, 'large'), damage(bytes))
    await until(async () => (await uploader.artifact('large'))?.rot?.is === 'damaged', WITHIN)
  })

  test('an object that is gone is missing, and its artifact is whole again when it is sent again', async () => {
    await using harness = await Harness.open({ store, config: { scrub } })
    harness.startWorker()
    const uploader = await deliver(harness, { a: 'aaa', b: 'bbb' })
    await harness.store.delete(await refOf(uploader, 'a'), { signal })
    await until(async () => (await uploader.artifact('a'))?.rot?.is === 'missing', WITHIN)
    await send(uploader, { a: 'aaa' })
    await until(async () => (await uploader.artifact('a'))?.verifiedAt !== undefined, WITHIN)
    expect((await uploader.artifact('a'))?.rot).toBeUndefined()
    await harness.settled()
  })

  test('a mark goes when the object is back', async () => {
    await using harness = await Harness.open({ store, config: { scrub } })
    harness.startWorker()
    const uploader = await deliver(harness, { a: 'aaa' })
    await overwrite(harness, await refOf(uploader, 'a'), Buffer.from('bbb'))
    await until(async () => (await uploader.artifact('a'))?.rot !== undefined, WITHIN)
    await overwrite(harness, await refOf(uploader, 'a'), Buffer.from('aaa'))
    await until(async () => (await uploader.artifact('a'))?.rot === undefined, WITHIN)
    await harness.settled()
  })

  test('the right bytes under another ETag, as a restored bucket has them, can be read again', async () => {
    await using harness = await Harness.open({ store, config: { scrub } })
    harness.startWorker()
    const bytes = randomBytes(LARGE)
    const uploader = await deliver(harness, { a: bytes })
    const before = await uploader.artifact('a')
    await overwrite(harness, await refOf(uploader, 'a'), bytes)
    const now = await harness.store.head(await refOf(uploader, 'a'), signal)
    expect(now?.etag).not.toBe(before?.etag)
    await until(async () => (await uploader.artifact('a'))?.etag === now?.etag, WITHIN)
    await harness.settled()
  })

  test('a store that cannot be read says nothing of its objects', async () => {
    await using harness = await Harness.open({ store, config: { scrub } })
    const worker = harness.startWorker()
    const codes = [
      'store_unavailable',
      'store_access_denied',
      'store_bucket_missing',
      'store_rejected',
    ] as const
    worker.store.before('get', ({ nth }) => {
      throw new LadingError(codes[nth % codes.length] ?? codes[0], 'it does not say')
    })
    const uploader = await deliver(harness, { a: 'aaa' })
    await harness.store.delete(await refOf(uploader, 'a'), { signal })
    await until(async () => (await unchecked(worker)) > codes.length, WITHIN)
    expect(await uploader.artifact('a')).toMatchObject({ rot: undefined, verifiedAt: undefined })
  })

  test('one bad answer is no verdict', async () => {
    await using harness = await Harness.open({ store, config: { scrub: NEVER } })
    const uploader = await deliverBy(harness, { a: 'aaa' })
    const worker = harness.startWorker({ config: { scrub } })
    worker.store.before('get', ({ nth }) => {
      if (nth === 1) throw new LadingError('store_object_missing', 'for a moment')
    })
    await until(async () => (await uploader.artifact('a'))?.verifiedAt !== undefined, WITHIN)
    expect((await uploader.artifact('a'))?.rot).toBeUndefined()
  })
})

describe('while an object is read', () => {
  test('it is replaced: the new artifact is not blamed for the old bytes', async () => {
    await using harness = await Harness.open({ store: 's3', config: { scrub: NEVER } })
    const uploader = await deliverBy(harness, { a: 'first' })
    const { worker, gate } = readingOf(harness)
    await gate.reached
    await send(uploader, { a: 'second' })
    gate.open()
    await until(() => changed(worker), WITHIN)
    await until(async () => (await uploader.artifact('a'))?.verifiedAt !== undefined, WITHIN)
    expect((await uploader.artifact('a'))?.rot).toBeUndefined()
    await harness.settled()
  })

  test('it is deleted, and its object with it: nothing has rotted', async () => {
    await using harness = await Harness.open({ store: 's3', config: { scrub: NEVER } })
    const uploader = await deliverBy(harness, { a: 'first' })
    const { worker, gate } = readingOf(harness)
    await gate.reached
    await harness.catalog.api.artifacts.delete(uploader.run, 'a' as never)
    await until(async () => {
      await harness.hastenDeletions()
      return (
        (await harness.store.head(
          { bucket: harness.bucket, key: `${uploader.run.location.prefix}a` },
          signal,
        )) === undefined
      )
    }, WITHIN)
    gate.open()
    await until(() => changed(worker), WITHIN)
    expect(await worker.metric('lading_scrubbed_artifacts_total', { verdict: 'rotted' })).toBe(0)
  })

  test.each(['directory', 's3'] as const)(
    'it is moved from its staging key to its own (%s): the artifact is whole',
    async (kind) => {
      await using harness = await Harness.open({ store: kind, config: { scrub: NEVER } })
      const uploader = await deliverBy(harness, { a: 'first' })
      const hold = new Gate()
      const mover = harness.startWorker()
      mover.store.before('copy', hold.hold)
      const { jobId } = await uploader.accept({ a: Buffer.from('second') }, { atomic: true })
      await uploader.ended(jobId)
      await hold.reached
      expect((await uploader.artifact('a'))?.key).toContain('/staging/')
      const store = new Interposer()
      const gate = new Gate()
      store.before('get', gate.hold)
      const pass = scrubOnce(harness, store)
      await gate.reached
      hold.open()
      await until(async () => (await uploader.artifact('a'))?.key.includes('/artifacts/'), WITHIN)
      await until(async () => (await harness.sql('SELECT 1 FROM staging')).length === 0, WITHIN)
      gate.open()
      expect(await pass).toEqual(['changed'])
      expect((await uploader.artifact('a'))?.rot).toBeUndefined()
      await harness.settled()
    },
  )
})

describe('a directory', () => {
  test('a bit that flips below the store, where size and time stay, is found', async () => {
    await using harness = await Harness.open({ config: { scrub } })
    harness.startWorker()
    const uploader = await deliver(harness, { a: 'aaa' })
    const path = fileURLToPath(harness.store.uri(await refOf(uploader, 'a')))
    const before = await stat(path)
    const bytes = await readFile(path)
    bytes.writeUInt8(bytes.readUInt8() ^ 1)
    await writeFile(path, bytes)
    await utimes(path, before.atime, before.mtime)
    await until(async () => (await uploader.artifact('a'))?.rot?.is === 'damaged', WITHIN)
  })

  test('that is not mounted has not rotted', async () => {
    await using harness = await Harness.open({ config: { scrub } })
    const worker = harness.startWorker()
    const uploader = await deliver(harness, { a: 'aaa' })
    const bucket = dirname(fileURLToPath(harness.store.uri({ bucket: harness.bucket, key: 'x' })))
    await rename(bucket, `${bucket}.away`)
    await until(async () => (await unchecked(worker)) > 0, WITHIN)
    expect((await uploader.artifact('a'))?.rot).toBeUndefined()
    await rename(`${bucket}.away`, bucket)
    await harness.settled()
  })
})

test('what was read or stored lately is not read', async () => {
  await using harness = await Harness.open({ config: { scrub: { ...scrub, everyMs: 3_600_000 } } })
  const worker = harness.startWorker()
  const uploader = await deliver(harness, { a: 'aaa', b: 'bbb' })
  await harness.sql(`UPDATE artifacts SET stored_at = now() - interval '2 hours' WHERE path = 'a'`)
  await until(async () => (await uploader.artifact('a'))?.verifiedAt !== undefined, WITHIN)
  await passed(worker)
  expect(worker.store.named('get')).toHaveLength(1)
})

/** By the worker that is there. */
async function deliver(harness: Harness, files: Record<string, string | Buffer>): Promise<Uploader> {
  const uploader = await harness.uploader()
  await send(uploader, files)
  return uploader
}

/** By a worker that ends with it. */
async function deliverBy(harness: Harness, files: Record<string, string | Buffer>): Promise<Uploader> {
  const worker = harness.startWorker()
  const uploader = await deliver(harness, files)
  await worker.stop()
  return uploader
}

async function send(uploader: Uploader, files: Record<string, string | Buffer>): Promise<void> {
  const bytes = Object.entries(files).map(([path, file]) => [path, Buffer.from(file)] as const)
  const { jobId } = await uploader.accept(Object.fromEntries(bytes))
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
}

async function refOf(uploader: Uploader, path: string): Promise<ObjectRef> {
  const artifact = await uploader.artifact(path)
  if (artifact === undefined) throw new Error(`there is no artifact ${path}`)
  return { bucket: artifact.bucket, key: artifact.key }
}

/** As someone does who writes to the bucket himself. */
async function overwrite({ store }: Harness, ref: ObjectRef, bytes: Buffer): Promise<void> {
  const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256Hex
  const facts = { size: bytes.length, sha256, crc32: crc32Of(bytes), contentType: 'application/x-rot' }
  await store.put(ref, bytes, facts, { precondition: { kind: 'none' }, signal })
}

/** A worker that delivers, and reads objects back, the first of them when the gate is opened. */
function readingOf(harness: Harness): { worker: TestWorker; gate: Gate } {
  const worker = harness.startWorker({ config: { scrub } })
  const gate = new Gate()
  worker.store.before('get', gate.hold)
  return { worker, gate }
}

async function scrubOnce(harness: Harness, store: Interposer): Promise<string[]> {
  const found: string[] = []
  const unbound = { bytes: new Pace(0), objects: new Pace(0) }
  const context = { catalog: harness.catalog.delivery, store: store.around(harness.store), pace: unbound }
  await scrubPass(context, { olderThanMs: 0 }, ({ verdict }) => found.push(verdict), signal)
  return found
}

/** Waits until all that was due has been looked at. */
async function passed(worker: TestWorker): Promise<void> {
  const passes = () => worker.catalog.named('scrubs.begin').length
  const before = passes()
  await until(() => passes() > before + 1, WITHIN)
}

function unchecked(worker: TestWorker): Promise<number> {
  return worker.metric('lading_scrubbed_artifacts_total', { verdict: 'unchecked' })
}

function changed(worker: TestWorker): Promise<number> {
  return worker.metric('lading_scrubbed_artifacts_total', { verdict: 'changed' })
}
