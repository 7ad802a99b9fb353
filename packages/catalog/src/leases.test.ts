import type { Ticket } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import type { Outcome } from './delivery-catalog.ts'
import { failed, fileIds, Harbour, LEASE_MS, onlyFile, openMigrated, stored } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog

beforeAll(async () => {
  catalog = await openMigrated(await freshDatabase())
})

afterAll(() => catalog.close())

/** A worker that lost its lease to another, and does not know it. */
async function outrun(harbour: Harbour) {
  const zombie = await harbour.takeOne('zombie')
  await harbour.begin(zombie)
  await catalog.delivery.leases.heartbeat([zombie.ticket], -1)
  expect(await catalog.delivery.backlog.expire()).toBe(1)
  return { zombie, successor: await harbour.takeOne('successor') }
}

test('a ticket is taken once, by whoever comes first', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  const { backlog, leases } = catalog.delivery
  const [candidate] = await backlog.candidates(harbour.spoolId, 1)
  const [ticket] = (await backlog.lease([candidate?.workId ?? ''], LEASE_MS)) as [Ticket]
  const takes = await Promise.all([1, 2, 3, 4].map((n) => leases.take(ticket, `worker ${n}`, LEASE_MS)))
  expect(takes.filter((work) => work !== undefined)).toHaveLength(1)
  expect(await leases.take({ ...ticket, epoch: 0 }, 'worker', LEASE_MS)).toBeUndefined()
  expect(await leases.take({ ...ticket, epoch: 2 }, 'worker', LEASE_MS)).toBeUndefined()
})

test('a heartbeat keeps what is held, and leaves out what has passed', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  const { zombie, successor } = await outrun(harbour)
  const { leases } = catalog.delivery
  expect(await leases.heartbeat([zombie.ticket, successor.ticket], LEASE_MS)).toEqual([
    { workId: successor.ticket.workId, cancelRequested: false, supersededFiles: [] },
  ])
  expect(await leases.heartbeat([], LEASE_MS)).toEqual([])
  await harbour.deliver(successor)
  expect(await leases.heartbeat([successor.ticket], LEASE_MS)).toEqual([])
})

test('a heartbeat tells that the job is to be cancelled, and for which files a newer one was accepted', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b', 'c'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await harbour.accept(['b'])
  await catalog.api.jobs.cancel(harbour.tenant, jobId)
  const [held] = await catalog.delivery.leases.heartbeat([work.ticket], LEASE_MS)
  expect(held).toEqual({
    workId: work.ticket.workId,
    cancelRequested: true,
    supersededFiles: [work.files[1]?.fileId],
  })
})

test('a worker whose lease has passed moves no file, counts nothing, and hands nothing back', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b'])
  const { zombie, successor } = await outrun(harbour)
  const before = await harbour.job(jobId)
  await expect(harbour.begin(zombie)).rejects.toMatchObject({ code: 'lease_lost' })
  for (const outcomes of [stored(zombie), failed(zombie), [] as Outcome[]]) {
    expect(await harbour.settle(zombie, outcomes)).toEqual({ moved: 0, freePacks: [] })
  }
  await catalog.delivery.leases.handBack(zombie.ticket, { delayMs: 0, burn: true })
  expect(await harbour.job(jobId)).toEqual(before)
  expect(await harbour.deliver(successor)).toMatchObject({ moved: 2 })
  expect(await harbour.settle(zombie, failed(zombie))).toEqual({ moved: 0, freePacks: [] })
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed', files: { stored: 2, failed: 0 } })
})

test('nothing is begun under a lease that has run out, whether or not anyone has noticed', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await catalog.delivery.leases.heartbeat([work.ticket], -1)
  await expect(harbour.begin(work)).rejects.toMatchObject({ code: 'lease_lost' })
})

test('work that was delivered is still committed when its lease ran out and nobody has noticed', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  await catalog.delivery.leases.heartbeat([work.ticket], -1)
  expect(await harbour.settle(work, stored(work))).toMatchObject({ moved: 1 })
  expect(await harbour.job(jobId)).toMatchObject({ state: 'completed' })
})

test('work of another is not mine to settle, whatever files I name', async () => {
  const [mine, yours] = [await Harbour.open(catalog), await Harbour.open(catalog)]
  await mine.accept(['a'])
  const { jobId } = await yours.accept(['a'])
  const [myWork, yourWork] = [await mine.takeOne(), await yours.takeOne()]
  await yours.begin(yourWork)
  expect(await catalog.delivery.delivery.begin(myWork.ticket, fileIds(yourWork))).toEqual([])
  expect(await mine.settle(myWork, stored(yourWork))).toMatchObject({ moved: 0 })
  expect(await yours.job(jobId)).toMatchObject({ state: 'running', files: { stored: 0 } })
})

test('handing back costs the attempt, or gives it back', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  const { leases } = catalog.delivery
  const first = await harbour.takeOne()
  await leases.handBack(first.ticket, {
    delayMs: 0,
    burn: true,
    error: { code: 'store_unavailable', detail: '503' },
  })
  const second = await harbour.takeOne()
  expect(second).toMatchObject({ ticket: { epoch: 2 }, attempts: 2, expiries: 0 })
  await leases.handBack(second.ticket, { delayMs: 0, burn: false })
  await leases.handBack(second.ticket, { delayMs: 60_000, burn: true })
  const third = await harbour.takeOne()
  expect(third).toMatchObject({ ticket: { epoch: 3 }, attempts: 2 })
  expect(third.ageMs).toBeGreaterThanOrEqual(0)
})

test('a successor is given what is still to be delivered, with the upload that was begun', async () => {
  const harbour = await Harbour.open(catalog)
  const { jobId } = await harbour.accept(['a', 'b', 'c'])
  const first = await harbour.takeOne()
  await harbour.begin(first)
  await harbour.settle(first, stored(first).slice(0, 1))
  const { fileId, object } = first.files[1] ?? onlyFile(first)
  await catalog.delivery.ledger.intend({ fileId, jobId, object, partSize: 8 })
  await catalog.delivery.ledger.began(fileId, 'upload 1')
  await catalog.delivery.leases.handBack(first.ticket, { delayMs: 0, burn: false })
  const second = await harbour.takeOne()
  expect(second.files.map(({ path, upload }) => ({ path, upload }))).toEqual([
    { path: 'b', upload: { uploadId: 'upload 1', partSize: 8 } },
    { path: 'c', upload: undefined },
  ])
  expect((await harbour.begin(second)).map(({ verdict }) => verdict)).toEqual(['go', 'go'])
})
