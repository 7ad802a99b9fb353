import { randomBytes } from 'node:crypto'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { describe, expect, test } from 'vitest'
import { Harness } from '../../../../test/support/worker-harness.ts'
import { Collector, keysIn, plant } from '../fixtures/collector.ts'

const signal = AbortSignal.timeout(600_000)
const facts = { size: 6, sha256: '', crc32: 0, contentType: '' } as never
const AWAY = new LadingError('store_unavailable', 'the store is away')

describe.each(['directory', 's3'] as const)('in a store of the kind %s', (store) => {
  test('what nothing needs is found, and removed only when that is asked for', async () => {
    await using harness = await Harness.open({ store })
    const worker = harness.startWorker()
    const uploader = await harness.uploader()
    const { jobId } = await uploader.accept({ 'models/a': Buffer.from('kept') })
    await uploader.ended(jobId)
    await harness.settled()
    await worker.stop()
    const kept = await keysIn(harness)
    const planted = [
      await plant(uploader, 'artifacts/models/b'),
      await plant(uploader, 'artifacts/deep/er/c', 'longer than that'),
      await plant(uploader, `staging/${newId()}`),
    ]
    const collector = new Collector(harness)
    const found = await collector.collect({ remove: false })
    expect(found.map((one) => one.uri).sort()).toEqual(
      planted.map((key) => harness.store.uri({ bucket: harness.bucket, key })).sort(),
    )
    expect(found.reduce((sum, one) => sum + (one.what === 'object' ? one.bytes : 0), 0)).toBe(6 + 16 + 6)
    expect(await keysIn(harness)).toEqual([...kept, ...planted].sort())
    const removed = await collector.collect()
    expect(removed.map((one) => one.what === 'object' && one.outcome)).toEqual([
      'removed',
      'removed',
      'removed',
    ])
    expect(await keysIn(harness)).toEqual(kept)
    expect(await collector.collect()).toEqual([])
    await harness.settled()
  })

  test("what is another's in the same bucket is left alone, and so is what is young", async () => {
    await using harness = await Harness.open({ store })
    const uploader = await harness.uploader()
    const stays = [
      await plant(uploader, 'notes.txt'),
      await plant(uploader, 'staging/no id'),
      await plant(uploader, 'artifacts/what#nobody?could log'),
      await plant(uploader, `../${newId()}/artifacts/of a run of another system`.replace('../', '')),
      await plant(uploader, 'artifacts/of today'),
    ]
    const collector = new Collector(harness)
    expect(await collector.collect({ olderThanMs: 3_600_000 })).toEqual([])
    expect(await keysIn(harness)).toEqual(stays.sort())
    const found = await collector.collect()
    expect(found.map((one) => one.uri)).toEqual([expect.stringMatching(/of(%20| )today$/)])
  })

  test('an upload in parts that the ledger does not know is aborted, and one that it knows is not', async () => {
    await using harness = await Harness.open({ store })
    const uploader = await harness.uploader()
    const { prefix } = uploader.run.location
    const begin = (path: string) =>
      harness.store.createUpload({ bucket: harness.bucket, key: `${prefix}${path}` }, facts, signal)
    const job = await uploader.accept({ known: Buffer.alloc(1), lost: Buffer.alloc(1) })
    const [known, lost] = await uploader.files(job.jobId)
    await begin('unknown')
    const uploadId = await begin('known')
    await begin('lost')
    for (const [file, path] of [
      [known, 'known'],
      [lost, 'lost'],
    ] as const) {
      const object = { bucket: harness.bucket, key: `${prefix}${path}` }
      await harness.catalog.delivery.ledger.intend({
        fileId: file?.fileId ?? '',
        jobId: job.jobId,
        object,
        partSize: 8,
      })
    }
    await harness.catalog.delivery.ledger.began(known?.fileId ?? '', uploadId)
    const collector = new Collector(harness)
    const found = await collector.collect()
    expect(found).toMatchObject([
      { what: 'upload', outcome: 'removed', uri: expect.stringMatching(/unknown$/) },
    ])
    const left = []
    for await (const upload of harness.store.listUploads(harness.bucket, prefix, signal))
      left.push(upload.key)
    expect(left.sort()).toEqual([`${prefix}known`, `${prefix}lost`])
  })

  test('an orphan that cannot be deleted is said to have failed, and keeps no other', async () => {
    await using harness = await Harness.open({ store })
    const uploader = await harness.uploader()
    await plant(uploader, 'artifacts/a')
    await plant(uploader, 'artifacts/b')
    const collector = new Collector(harness)
    collector.store.before('delete', ({ nth }) => (nth === 1 ? Promise.reject(AWAY) : undefined))
    const found = await collector.collect()
    expect(found.map((one) => one.what === 'object' && one.outcome)).toEqual(
      expect.arrayContaining(['removed', { failed: AWAY }]),
    )
    await harness.sql(`UPDATE deletions SET leased_until = now() - interval '1 s'`)
    expect(await collector.collectOne()).toBe('removed')
    expect(await keysIn(harness)).toEqual([])
    expect(await harness.sql('SELECT 1 FROM deletions')).toEqual([])
  })
})

test('a run that cannot be listed is said so, and the others are gone through', async () => {
  await using harness = await Harness.open()
  await plant(await harness.uploader(), 'artifacts/a')
  await plant(await harness.uploader(), 'artifacts/b')
  const collector = new Collector(harness)
  collector.store.before('list', ({ nth }) => (nth === 1 ? Promise.reject(AWAY) : undefined))
  const found = await collector.collect()
  expect(found.map(({ what }) => what).sort()).toEqual(['object', 'run'])
})

test('only a tenant, or a run, is gone through when it is named', async () => {
  await using harness = await Harness.open()
  const [one, other] = [await harness.uploader(), await harness.uploader()]
  await plant(one, 'artifacts/a')
  await plant(other, 'artifacts/b')
  const collector = new Collector(harness)
  expect(await collector.collect({ tenant: one.tenant })).toHaveLength(1)
  expect(await collector.collect({ runId: other.run.runId })).toHaveLength(1)
  expect(await keysIn(harness)).toEqual([])
})

test('packs go by the rules of the workers', async () => {
  await using harness = await Harness.open()
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: randomBytes(1000) })
  const needed = await uploader.slice(jobId, 'a')
  const packId = newId()
  await using pack = await harness.spool.create(packId, { expectedBytes: 0 })
  await pack.write(Buffer.from('nobody knows'))
  await pack.seal()
  const collector = new Collector(harness)
  expect(await collector.collectPacks({ remove: true })).toEqual([])
  const before = new Date(Date.now() - 3_600_000)
  for (const file of [join(harness.spoolDirectory, 'packs', packId), needed.packFile])
    await utimes(file, before, before)
  expect(await collector.collectPacks({ remove: false })).toMatchObject([
    { what: 'pack', bytes: 12, uri: `unknown pack ${packId}`, outcome: 'found' },
  ])
  expect(await collector.collectPacks({ remove: true })).toMatchObject([{ what: 'pack', outcome: 'removed' }])
  harness.startWorker()
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  await harness.settled()
})
