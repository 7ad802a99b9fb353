import { expect, test } from 'vitest'
import { content } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

export function testJobs(given: Given): void {
  /** Nothing is delivered while the callback runs. */
  async function whileWorkersStand<T>(callback: () => Promise<T>): Promise<T> {
    const { workers } = given()
    for (const worker of workers) worker.pause()
    try {
      return await callback()
    } finally {
      for (const worker of workers) worker.resume()
    }
  }

  test('a job that is cancelled before a worker has it delivers nothing', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const files = [1, 2, 3].map((n) => ({ name: `${n}.bin`, file: content(n * 1000) }))
    const jobId = await whileWorkersStand(async () => {
      const { body } = await client.logArtifact(run, files)
      expect(await client.cancel(body.job_id)).toMatchObject({
        status: 202,
        body: { cancel_requested: true },
      })
      return body.job_id
    })
    expect(await client.waitJob(jobId)).toMatchObject({
      state: 'cancelled',
      files: { cancelled: 3, stored: 0 },
    })
    expect((await client.list(run)).size).toBe(0)
    expect(await client.cancel(jobId)).toMatchObject({ status: 202, body: { state: 'cancelled' } })
    expect(await client.retry(jobId)).toMatchObject({ status: 409, body: { code: 'job_state_conflict' } })
  })

  test('server-sent events tell of the job until it has ended', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const file = content(30 * 1024 * 1024, 'events')
    const [first, events, jobId] = await whileWorkersStand(async () => {
      const { body } = await client.put(run, 'big.bin', file)
      const events = client.events(body.job_id)
      return [await events.next(), events, body.job_id]
    })
    expect(first.value).toMatchObject({ job_id: jobId, state: 'queued' })
    let last = first.value
    for await (const job of events) last = job
    expect(last).toMatchObject({ state: 'completed', bytes: { total: file.size, done: file.size } })
    expect(last).toEqual(await client.job(jobId))
  })

  test('jobs are listed by run and state, newest first, and asked for by id', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const ids: string[] = []
    for (const n of [1, 2, 3]) {
      const { body } = await client.put(run, `${n}.bin`, content(n), { prefer: 'wait=60' })
      ids.push(body.job_id)
    }
    const newestFirst = ids.toReversed()
    const page = await client.jobs(`run_id=${run}&state=completed&limit=2`)
    expect(page.jobs.map((job) => job.job_id)).toEqual(newestFirst.slice(0, 2))
    const rest = await client.jobs(
      `run_id=${run}&limit=2&cursor=${encodeURIComponent(page.next_cursor ?? '')}`,
    )
    expect(rest.jobs.map((job) => job.job_id)).toEqual(newestFirst.slice(2))
    expect((await client.jobs(`run_id=${run}&state=failed`)).jobs).toEqual([])
    const byId = await client.jobs(`ids=${ids.join(',')}`)
    expect(new Set(byId.jobs.map((job) => job.job_id))).toEqual(new Set(ids))
  })

  test('each file of a job has its state', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const files = [1, 2, 3].map((n) => ({ name: `${n}.bin`, file: content(n, `file ${n}`) }))
    const { body } = await client.logArtifact(run, files, { prefer: 'wait=60' })
    expect(await client.jobFiles(body.job_id)).toMatchObject(
      files.map(({ name, file }) => ({ path: name, size: file.size, sha256: file.sha256, state: 'stored' })),
    )
  })
}
