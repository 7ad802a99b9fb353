import { MAX_JOB_IDS } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { content } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

const MIB = 1024 * 1024

export function testConcurrency(given: Given): void {
  test('five hundred uploads at once are all delivered', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const files = Array.from({ length: 500 }, (_, n) => ({
      path: `many/${n}.json`,
      file: content(n, `#${n}`),
    }))
    const receipts = await Promise.all(files.map(({ path, file }) => client.put(run, path, file)))
    expect(receipts.every(({ status }) => status === 202)).toBe(true)
    const ids = receipts.map(({ body }) => body.job_id)
    for (let from = 0; from < ids.length; from += MAX_JOB_IDS) {
      const some = ids.slice(from, from + MAX_JOB_IDS)
      await until(
        async () => {
          const { jobs } = await client.jobs(`ids=${some.join(',')}`)
          return jobs.length === some.length && jobs.every(({ state }) => state === 'completed')
        },
        { ...WITHIN, every: 200 },
      )
    }
    const listed = await client.list(run)
    for (const { path, file } of files) expect(listed.get(path)).toMatchObject({ sha256: file.sha256 })
  })

  test('of eight clients that log the same path at once, one is last, and store and catalog agree on it', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const files = Array.from({ length: 8 }, (_, n) => content(n % 2 === 0 ? 12 * MIB + n : 1000 + n))
    const receipts = await Promise.all(files.map((file) => client.put(run, 'best.pt', file)))
    const jobs = await Promise.all(receipts.map(({ body }) => client.waitJob(body.job_id)))
    for (const job of jobs) {
      expect(job).toMatchObject({ state: 'completed', files: { failed: 0, cancelled: 0 } })
      expect(job.files.stored + job.files.superseded).toBe(1)
    }
    const listed = (await client.list(run)).get('best.pt')
    const last = files[receipts.findIndex(({ body }) => body.job_id === listed?.job_id)]
    expect(listed).toMatchObject({ state: 'stored', size: last?.size, sha256: last?.sha256 })
    expect(await client.get(run, 'best.pt')).toMatchObject({ status: 200, sha256: last?.sha256 })
  })

  test('what was accepted last wins, whatever is still under way for the same path', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const jobs: string[] = []
    let last = content(0)
    for (const size of [40 * MIB, 1000, 24 * MIB, 9 * MIB, 20]) {
      last = content(size, `in turn ${size}`)
      jobs.push((await client.put(run, 'best.pt', last)).body.job_id)
    }
    for (const jobId of jobs) expect(await client.waitJob(jobId)).toMatchObject({ state: 'completed' })
    const { size, sha256 } = last
    expect((await client.list(run)).get('best.pt')).toMatchObject({ job_id: jobs.at(-1), size, sha256 })
    expect(await client.get(run, 'best.pt')).toMatchObject({ status: 200, size, sha256 })
  })
}
