import { newId, type ObjectRef, type Ticket } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { describe, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Interposer } from '../../../test/support/interposer.ts'
import { Harness, type Uploader } from '../../../test/support/worker-harness.ts'

const WITHIN = { within: 45_000 }
const ONE_EACH = { files: 1, bytes: 1024 }

function manyFiles(count: number): Record<string, Buffer> {
  const byte = Buffer.from('x')
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`many/${i}`, byte]))
}

async function workOf(harness: Harness, jobId: string): Promise<string[]> {
  const rows = await harness.sql<{ work_id: string }>('SELECT work_id FROM work_items WHERE job_id = $1', [
    jobId,
  ])
  return rows.map((row) => row.work_id)
}

/** Tickets out, in all and of the tenant that holds most. */
async function out(harness: Harness): Promise<{ all: number; most: number }> {
  const [row] = await harness.sql<{ all: number; most: number }>(
    `SELECT coalesce(sum(n), 0)::int AS all, coalesce(max(n), 0)::int AS most FROM (
       SELECT count(*) AS n FROM work_items WHERE state = 'leased' GROUP BY tenant_id) AS held`,
  )
  return row ?? { all: 0, most: 0 }
}

test('behind a backlog of fifty thousand, the one file of another tenant goes out in the next round', async () => {
  await using harness = await Harness.open({ workLimits: ONE_EACH })
  const queue = new Interposer()
  const sent: string[][] = []
  queue.before('add', ({ args }) => {
    sent.push((args[1] as Ticket[]).map((ticket) => ticket.workId))
  })
  // Slots that nobody serves: what is out stays out.
  await harness.catalog.delivery.workers.seen({ workerId: newId(), routes: [harness.spool.id], slots: 8 })
  const [a, b] = [await harness.uploader(), await harness.uploader()]
  await a.accept(manyFiles(50_000))
  harness.startWorker({ delivers: false, queue: queue.around(harness.queue) })
  await until(() => sent.flat().length === 6, WITHIN)
  const { jobId } = await b.accept({ one: Buffer.from('x') })
  await until(() => sent.flat().length > 6, WITHIN)
  expect(sent.flat().slice(6)).toEqual(await workOf(harness, jobId))
  expect(await out(harness)).toEqual({ all: 7, most: 6 })
})

test('one file is delivered in the midst of another tenant’s directory, after a window of its files at most', async () => {
  await using harness = await Harness.open({ workLimits: ONE_EACH, config: { slots: 4 } })
  const worker = harness.startWorker()
  const [a, b] = [await harness.uploader(), await harness.uploader()]
  const { jobId: directory } = await a.accept(manyFiles(400))
  const written = () => worker.store.named('write').length
  await until(() => written() > 20, WITHIN)
  const { jobId: single } = await b.accept({ one: Buffer.from('x') })
  const before = written()
  expect(await b.ended(single)).toMatchObject({ state: 'completed' })
  expect(await a.ended(directory)).toMatchObject({ state: 'completed', files: { stored: 400 } })
  const keys = worker.store.named('write').map(({ args }) => (args[0] as ObjectRef).key)
  // What was out when it came, and what a round that was under way then still sent: a window of five each.
  expect(keys.findIndex((key) => key.endsWith('/one')) - before).toBeLessThanOrEqual(10)
})

test('what one tenant may hold of the slots can be set', async () => {
  await using harness = await Harness.open({ workLimits: ONE_EACH, config: { tenantPercent: 25 } })
  await harness.catalog.delivery.workers.seen({ workerId: newId(), routes: [harness.spool.id], slots: 8 })
  const uploader = await harness.uploader()
  await uploader.accept(manyFiles(40))
  const leader = harness.startWorker({ delivers: false })
  await until(async () => (await leader.metric('lading_dispatched_tickets_total')) === 2, WITHIN)
  expect(await out(harness)).toEqual({ all: 2, most: 2 })
})

test('never is more out than the window, nor more of one tenant than its share', async () => {
  await using harness = await Harness.open({ workLimits: ONE_EACH, config: { slots: 4 } })
  const queue = new Interposer()
  const seen: { all: number; most: number }[] = []
  queue.before('add', async () => {
    seen.push(await out(harness))
  })
  const uploaders = [await harness.uploader(), await harness.uploader(), await harness.uploader()]
  const jobs = await Promise.all(uploaders.map((uploader) => uploader.accept(manyFiles(40))))
  harness.startWorker({ queue: queue.around(harness.queue) })
  for (const [i, { jobId }] of jobs.entries())
    expect(await uploaders[i]?.ended(jobId)).toMatchObject({ state: 'completed' })
  expect(Math.max(...seen.map(({ all }) => all))).toBeLessThanOrEqual(5)
  expect(Math.max(...seen.map(({ most }) => most))).toBeLessThanOrEqual(3)
  await harness.settled()
})

describe.each(['redis', 'postgres'] as const)('with tickets in %s', (queue) => {
  const flush = (harness: Harness) =>
    queue === 'redis' ? harness.flushQueue() : harness.sql('DELETE FROM lading_queue.job')

  test('tickets that the queue lost are sent again, and cost no attempt', async () => {
    await using harness = await Harness.open({ queue, workLimits: ONE_EACH })
    await harness.catalog.delivery.workers.seen({ workerId: newId(), routes: [harness.spool.id], slots: 8 })
    const leader = harness.startWorker({ delivers: false })
    const uploader = await harness.uploader()
    const { jobId } = await uploader.accept(manyFiles(5))
    await until(async () => (await leader.metric('lading_dispatched_tickets_total')) === 5, WITHIN)
    await flush(harness)
    await until(async () => (await leader.metric('lading_lost_tickets_total')) === 5, WITHIN)
    harness.startWorker({ leads: false })
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 5 } })
    expect(await harness.sql('SELECT DISTINCT attempts FROM work_items')).toEqual([{ attempts: 1 }])
  })

  test('nothing is lost, and nothing done twice, when the queue is emptied again and again', async () => {
    await using harness = await Harness.open({ queue, workLimits: ONE_EACH })
    await harness.queue.check()
    const worker = harness.startWorker()
    const uploader = await harness.uploader()
    const { jobId } = await uploader.accept(manyFiles(150))
    let ended = false
    const flushing = (async () => {
      for (; !ended; await new Promise((resolve) => setTimeout(resolve, 100))) await flush(harness)
    })()
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 150 } })
    ended = true
    await flushing
    expect(worker.store.named('write')).toHaveLength(150)
    await harness.settled()
  })
})

test('work waits for a queue that does not answer, and goes out when it does', async () => {
  await using harness = await Harness.open()
  const queue = new Interposer()
  queue.before('add', ({ nth }) => {
    if (nth <= 3) throw new LadingError('queue_unavailable', 'the queue is away')
  })
  queue.before('missing', () => Promise.reject(new LadingError('queue_unavailable', 'the queue is away')))
  harness.startWorker({ queue: queue.around(harness.queue) })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  expect(await harness.sql('SELECT attempts, expiries FROM work_items')).toEqual([
    { attempts: 1, expiries: 0 },
  ])
})

test('more tickets than the queue takes in one call go out in several', async () => {
  await using harness = await Harness.open({ workLimits: ONE_EACH })
  await harness.catalog.delivery.workers.seen({ workerId: newId(), routes: [harness.spool.id], slots: 1_000 })
  const uploader = await harness.uploader()
  await uploader.accept(manyFiles(800))
  const leader = harness.startWorker({ delivers: false })
  await until(async () => (await leader.metric('lading_dispatched_tickets_total')) === 750, WITHIN)
})

test('when the leader is cut off from Postgres another leads, or it again', async () => {
  await using harness = await Harness.open({ workLimits: ONE_EACH })
  const workers = [harness.startWorker(), harness.startWorker()]
  const leaderships = async () => {
    const counts = await Promise.all(workers.map((worker) => worker.metric('lading_leaderships_total')))
    return counts.reduce((sum, count) => sum + count, 0)
  }
  const uploader = await harness.uploader()
  await until(async () => (await leaderships()) === 1, WITHIN)
  for (let times = 1; times <= 3; times++) {
    const { jobId } = await uploader.accept(manyFiles(20))
    await harness.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'lading leader' AND datname = current_database()`,
    )
    await until(async () => (await leaderships()) === times + 1, WITHIN)
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  }
  await harness.settled()
})

test('when the leading worker is killed, another leads', async () => {
  await using harness = await Harness.open()
  const first = harness.startWorker({ delivers: false })
  await until(() => first.metric('lading_leaderships_total'), WITHIN)
  const second = harness.startWorker()
  await first.kill()
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ a: Buffer.from('x') })
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  expect(await second.metric('lading_leaderships_total')).toBe(1)
})

test('two leaders at once do no harm', async () => {
  await using harness = await Harness.open({ workLimits: ONE_EACH })
  const workers = [harness.startWorker({ leads: false }), harness.startWorker({ leads: false })]
  const never = new AbortController()
  for (const { catalog } of workers) {
    const crown = { signal: never.signal, [Symbol.asyncDispose]: () => Promise.resolve() }
    catalog.instead('leadership.tryTake', () => crown)
  }
  const uploaders: Uploader[] = [await harness.uploader(), await harness.uploader()]
  const jobs = await Promise.all(uploaders.map((uploader) => uploader.accept(manyFiles(150))))
  for (const [i, { jobId }] of jobs.entries())
    expect(await uploaders[i]?.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 150 } })
  expect(workers.flatMap(({ store }) => store.named('write'))).toHaveLength(300)
  await harness.settled()
})
