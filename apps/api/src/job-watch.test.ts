import type { Job } from '@lading/catalog'
import { newId } from '@lading/core'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { jobIn } from './fixtures/jobs.ts'
import { JobWatch } from './job-watch.ts'

const NEVER = new AbortController().signal
const MINUTE = 60_000

/** A catalog of jobs that counts how often it is asked. */
function watched() {
  const jobs = new Map<string, Job>()
  const asked: string[][] = []
  const state = { down: false }
  let hint: (jobIds: string[]) => void = () => undefined
  const peek = async (jobIds: string[]) => {
    asked.push(jobIds)
    if (state.down) throw new Error('the catalog is down')
    return jobIds.map((jobId) => jobs.get(jobId)).filter((job) => job !== undefined)
  }
  const changes = {
    onHint(listener: (jobIds: string[]) => void) {
      hint = listener
      return () => undefined
    },
  }
  const watch = new JobWatch(peek, changes, pino({ level: 'silent' }))
  return { watch, jobs, asked, state, hint: (jobIds: string[]) => hint(jobIds) }
}

test('a wait ends when the job has ended, without any hint', async () => {
  const { watch, jobs } = watched()
  const job = jobIn('queued')
  jobs.set(job.jobId, job)
  const waiting = watch.untilEnded(job.jobId, MINUTE, NEVER)
  jobs.set(job.jobId, { ...job, state: 'completed' })
  await waiting
})

test('a hint for one job asks for that job alone', async () => {
  const { watch, jobs, asked, hint } = watched()
  const [one, other] = [jobIn('completed'), jobIn('queued')]
  for (const job of [one, other]) jobs.set(job.jobId, job)
  const going = new AbortController()
  const both = [
    watch.untilEnded(one.jobId, MINUTE, NEVER),
    watch.untilEnded(other.jobId, MINUTE, going.signal),
  ]
  hint([one.jobId, newId()])
  await both[0]
  expect(asked[0]).toEqual([one.jobId])
  going.abort()
  await both[1]
})

test('ten thousand waiters for one job are one query', async () => {
  const { watch, jobs, asked, hint } = watched()
  const job = jobIn('completed')
  jobs.set(job.jobId, job)
  const waiters = Array.from({ length: 10_000 }, () => watch.untilEnded(job.jobId, MINUTE, NEVER))
  hint([job.jobId])
  await Promise.all(waiters)
  expect(asked).toEqual([[job.jobId]])
})

test('jobs are asked for at most a thousand at once', async () => {
  const { watch, jobs, asked, hint } = watched()
  const many = Array.from({ length: 2500 }, () => jobIn('completed'))
  for (const job of many) jobs.set(job.jobId, job)
  const waiters = many.map(({ jobId }) => watch.untilEnded(jobId, MINUTE, NEVER))
  hint(many.map(({ jobId }) => jobId))
  await Promise.all(waiters)
  expect(Math.max(...asked.map((ids) => ids.length))).toBeLessThanOrEqual(1000)
  expect(asked.flat()).toHaveLength(2500)
})

test('a catalog that is away for a while delays a wait, and does not end it', async () => {
  const { watch, jobs, asked, state } = watched()
  const job = jobIn('completed')
  jobs.set(job.jobId, job)
  state.down = true
  const waiting = watch.untilEnded(job.jobId, MINUTE, NEVER)
  await until(() => asked.length >= 2, { within: 30_000 })
  state.down = false
  await waiting
})

test('a waiter that goes frees its place, and nothing is asked while nobody waits', async () => {
  const { watch, asked } = watched()
  const going = new AbortController()
  const waiting = watch.untilEnded(newId(), MINUTE, going.signal)
  going.abort()
  await waiting
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, 300)
  await promise
  expect(asked).toEqual([])
})

test('a listener that throws takes nobody else down with it', async () => {
  const { watch, jobs, hint } = watched()
  const job = jobIn('completed')
  jobs.set(job.jobId, job)
  watch.subscribe(job.jobId, () => {
    throw new Error('a bug of a listener')
  })
  const waiting = watch.untilEnded(job.jobId, MINUTE, NEVER)
  hint([job.jobId])
  await waiting
})
