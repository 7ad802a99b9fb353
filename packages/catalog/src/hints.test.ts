import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Harbour, openMigrated } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let url: string
let speaker: Catalog
let hearer: Catalog

beforeAll(async () => {
  url = await freshDatabase()
  speaker = await openMigrated(url)
  hearer = await openMigrated(url)
})

afterAll(async () => {
  await speaker.close()
  await hearer.close()
})

/** Accepts until the hearer has heard of work: a hint may be lost while the hearer is connecting. */
async function heardOfWork(harbour: Harbour): Promise<void> {
  let heard = 0
  const stop = hearer.hints.onWork(() => heard++)
  await until(
    async () => {
      await harbour.accept(['a'])
      return heard
    },
    { within: 20_000 },
  )
  stop()
}

test('another process hears of new work, and of the end of jobs', async () => {
  const harbour = await Harbour.open(speaker)
  await heardOfWork(harbour)
  const ended = new Set<string>()
  const stop = hearer.hints.onJobs((jobIds) => {
    for (const jobId of jobIds) ended.add(jobId)
  })
  const { jobId } = await harbour.accept(['b'])
  const cancelled = await harbour.accept(['c'])
  await speaker.api.jobs.cancel(harbour.tenant, cancelled.jobId)
  for (const work of await harbour.take()) await harbour.deliver(work)
  await until(() => ended.has(jobId) && ended.has(cancelled.jobId), { within: 20_000 })
  stop()
})

test('who no longer listens hears nothing more', async () => {
  const harbour = await Harbour.open(speaker)
  let heard = 0
  const stop = hearer.hints.onWork(() => heard++)
  stop()
  await heardOfWork(harbour)
  expect(heard).toBe(0)
})

test('hints of many jobs at once all arrive', async () => {
  const harbour = await Harbour.open(speaker)
  await heardOfWork(harbour)
  const ended = new Set<string>()
  const stop = hearer.hints.onJobs((jobIds) => {
    for (const jobId of jobIds) ended.add(jobId)
  })
  const jobs = await Promise.all(Array.from({ length: 300 }, (_, n) => harbour.accept([`${n}`])))
  await Promise.all(jobs.map(({ jobId }) => speaker.api.jobs.cancel(harbour.tenant, jobId)))
  await until(() => jobs.every(({ jobId }) => ended.has(jobId)), { within: 20_000 })
  stop()
})

test('a connection for hints that was ended is made again', async () => {
  const harbour = await Harbour.open(speaker)
  await heardOfWork(harbour)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(
    `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
     WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`,
  )
  await client.end()
  expect(rows).toEqual([{ ended: true }])
  await heardOfWork(harbour)
})
