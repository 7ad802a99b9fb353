import { newId, type Ticket } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { backlogOf } from './backlog.ts'
import { Database } from './database.ts'
import { explain, rowsRead } from './fixtures/explain.ts'
import { Harbour, LEASE_MS, openMigrated, SILENT } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog
let db: Database

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 2, timeoutMs: 60_000, log: SILENT })
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

test('each tenant’s oldest work is a candidate, in its order, and as many as were asked for', async () => {
  const [b, a] = [await Harbour.open(catalog, `b-${newId()}`), await Harbour.open(catalog, `a-${newId()}`)]
  const route = newId()
  const accepted: string[] = []
  for (const harbour of [b, a, b, a, b]) {
    const { jobId } = await catalog.api.uploads.accept({
      ...harbour.acceptance([newId()]),
      spoolId: route,
    })
    accepted.push(jobId)
  }
  const candidates = await catalog.delivery.backlog.candidates(route, 2)
  expect(candidates.map(({ tenantId }) => tenantId)).toEqual([a.tenant, a.tenant, b.tenant, b.tenant])
  const jobs = await db.query<{ jobId: string }>(
    'SELECT job_id FROM unnest(:ids::uuid[]) WITH ORDINALITY AS i(work_id, n) JOIN work_items USING (work_id) ORDER BY n',
    { ids: candidates.map(({ workId }) => workId) },
  )
  expect(jobs.map(({ jobId }) => jobId)).toEqual([accepted[1], accepted[3], accepted[0], accepted[2]])
  expect(candidates[0]).toEqual({ workId: expect.any(String), tenantId: a.tenant, bytes: 10 })
})

test('work is leased once, under a new epoch each time, and is a candidate no longer', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  const { backlog, leases } = catalog.delivery
  const ids = (await backlog.candidates(harbour.spoolId, 10)).map(({ workId }) => workId)
  const leased = await Promise.all([backlog.lease(ids, LEASE_MS), backlog.lease(ids, LEASE_MS)])
  expect(leased.flat()).toEqual([{ workId: ids[0], epoch: 1 }])
  expect(await backlog.candidates(harbour.spoolId, 10)).toEqual([])
  expect(await backlog.held(harbour.spoolId)).toEqual(new Map([[harbour.tenant, 1]]))
  expect(await backlog.routes()).not.toContain(harbour.spoolId)
  expect(await backlog.unlease(leased.flat())).toBe(1)
  expect(await backlog.unlease(leased.flat())).toBe(0)
  expect(await backlog.held(harbour.spoolId)).toEqual(new Map())
  const [again] = await backlog.lease(ids, LEASE_MS)
  expect(again).toEqual({ workId: ids[0], epoch: 2 })
  expect(await leases.take({ workId: ids[0] ?? '', epoch: 1 }, 'late', LEASE_MS)).toBeUndefined()
  expect(await leases.take(again as Ticket, 'worker', LEASE_MS)).toMatchObject({ attempts: 1, expiries: 0 })
})

test('tickets come in the order that was asked for, which is the order of fairness', async () => {
  const harbour = await Harbour.open(catalog)
  for (let n = 0; n < 20; n++) await harbour.accept([`${n}`])
  const ids = (await catalog.delivery.backlog.candidates(harbour.spoolId, 20)).map(({ workId }) => workId)
  const order = [...ids.slice(7), ...ids.slice(0, 7).reverse()]
  const tickets = await catalog.delivery.backlog.lease(order, LEASE_MS)
  expect(tickets.map(({ workId }) => workId)).toEqual(order)
})

test('a ticket that nobody takes is found, and its work is ready again without having cost an attempt', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  await harbour.accept(['b'])
  const { backlog } = catalog.delivery
  const [candidate, other] = await backlog.candidates(harbour.spoolId, 10)
  const tickets = await backlog.lease([candidate?.workId ?? '', other?.workId ?? ''], LEASE_MS)
  const [lost, taken] = tickets as [Ticket, Ticket]
  await catalog.delivery.leases.take(taken, 'worker', LEASE_MS)
  expect(await backlog.untaken(harbour.spoolId, 60_000)).toEqual([])
  expect(await backlog.untaken(harbour.spoolId, -1)).toEqual([lost])
  expect(await backlog.unlease([lost, taken])).toBe(1)
  expect(await harbour.takeOne()).toMatchObject({
    ticket: { workId: lost.workId, epoch: 2 },
    attempts: 1,
    expiries: 0,
  })
})

test('a lease that ran out counts against work that was taken, and not against a ticket that never arrived', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  const { backlog, leases } = catalog.delivery
  const ids = (await backlog.candidates(harbour.spoolId, 10)).map(({ workId }) => workId)
  await backlog.lease(ids, -1)
  expect(await backlog.expire()).toBe(1)
  expect(await backlog.expire()).toBe(0)
  const [ticket] = (await backlog.lease(ids, LEASE_MS)) as [Ticket]
  await leases.take(ticket, 'worker', -1)
  expect(await backlog.expire()).toBe(1)
  expect(await leases.heartbeat([ticket], LEASE_MS)).toEqual([])
  expect(await harbour.takeOne()).toMatchObject({ ticket: { epoch: 3 }, attempts: 2, expiries: 1 })
})

test('work that was handed back is no candidate, and cannot be leased, before its time', async () => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['a'])
  const { backlog, leases } = catalog.delivery
  const { ticket } = await harbour.takeOne()
  await leases.handBack(ticket, { delayMs: 60_000, burn: true })
  expect(await backlog.candidates(harbour.spoolId, 10)).toEqual([])
  expect(await backlog.lease([ticket.workId], LEASE_MS)).toEqual([])
})

test('the routes with ready work, and how much there is of it, are told', async () => {
  const [one, two] = [await Harbour.open(catalog), await Harbour.open(catalog)]
  await one.accept(['a', 'b'], 7)
  await two.accept(['a'])
  await two.accept(['b'])
  await two.take(1)
  const routes = await catalog.delivery.backlog.routes()
  expect(routes).toEqual(expect.arrayContaining([one.spoolId, two.spoolId]))
  expect(new Set(routes).size).toBe(routes.length)
  const depth = await catalog.delivery.backlog.depth()
  expect(depth.filter(({ route }) => route === one.spoolId || route === two.spoolId)).toEqual(
    expect.arrayContaining([
      { route: one.spoolId, state: 'ready', items: 1, bytes: 14, oldestAgeMs: expect.any(Number) },
      { route: two.spoolId, state: 'ready', items: 1, bytes: 10, oldestAgeMs: expect.any(Number) },
      { route: two.spoolId, state: 'leased', items: 1, bytes: 10, oldestAgeMs: expect.any(Number) },
    ]),
  )
})

test('behind a backlog of 50,000 items, another tenant’s one item is found by a few steps in the index', async () => {
  const [a, b] = [await Harbour.open(catalog, `a-${newId()}`), await Harbour.open(catalog, `b-${newId()}`)]
  const route = a.spoolId
  const { jobId } = await a.accept(['a'])
  await db.query(
    `INSERT INTO work_items (work_id, job_id, tenant_id, route, pack_id, bytes)
     SELECT gen_random_uuid(), job_id, tenant_id, route, pack_id, 10 FROM work_items, generate_series(1, 50000)
     WHERE job_id = :jobId`,
    { jobId },
  )
  const one = await catalog.api.uploads.accept({ ...b.acceptance(['b']), spoolId: route })
  const backlog = backlogOf(db)
  const candidates = await backlog.candidates(route, 5)
  expect(candidates.map(({ tenantId }) => tenantId)).toEqual([...Array(5).fill(a.tenant), b.tenant])
  for (const look of [() => backlog.candidates(route, 5), () => backlog.routes()]) {
    const plan = await explain(db, look)
    expect(plan.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
    expect(rowsRead(plan, 'work_items')).toBeLessThan(50)
  }
  await catalog.api.jobs.cancel(a.tenant, jobId)
  expect(await backlog.candidates(route, 5)).toHaveLength(1)
  expect(one.state).toBe('queued')
})
