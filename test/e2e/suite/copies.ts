import type { JobResponse, PlanResponse } from '@lading/protocol'
import { expect, test } from 'vitest'
import type { LadingClient } from '../../support/system-client.ts'
import { type Content, content } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

const MIB = 2 ** 20

export function testCopies(given: Given): void {
  test('what the tenant has elsewhere in the bucket is in the next directory without being sent', async () => {
    const { client } = given()
    const { run_id: earlier } = await client.createRun()
    const [small, large] = [content(3_000, 'copied, small'), content(20 * MIB, 'copied, large')]
    await client.put(earlier, 'small.bin', small, { prefer: 'wait=60' })
    await client.put(earlier, 'large.bin', large, { prefer: 'wait=60' })

    const { run_id: run } = await client.createRun()
    const job = await open(client, run)
    const fresh = content(2_000, 'not known yet')
    const files = { 'a/1': small, 'a/2': small, 'b/large': large, fresh }
    expect(await plan(client, run, job, files)).toEqual({ needed: ['fresh'], held: 0, copied: 3 })
    expect(await plan(client, run, job, files)).toEqual({ needed: ['fresh'], held: 3, copied: 0 })
    await client.put(run, 'fresh', fresh, {}, { job_id: job })
    expect(await plan(client, run, job, files)).toEqual({ needed: [], held: 4, copied: 0 })
    const sealed = await client.call<JobResponse>('POST', `/api/v1/jobs/${job}/seal`, { files: 4 })
    expect(sealed.status).toBe(200)
    expect(await client.waitJob(job)).toMatchObject({ state: 'completed', files: { total: 4, stored: 4 } })
    expect((await client.jobFiles(job)).map(({ path }) => path).sort()).toEqual(Object.keys(files).sort())
    for (const [path, { size, sha256 }] of Object.entries(files))
      expect(await client.get(run, path)).toMatchObject({ status: 200, size, sha256 })
  })

  test('a tenant is asked for bytes that another tenant has', async () => {
    const { client } = given()
    const { run_id: theirs } = await client.createRun()
    const file = content(3_000, 'had by another')
    await client.put(theirs, 'secret.bin', file, { prefer: 'wait=60' })
    const other = client.as('globex')
    const { run_id: run } = await other.createRun()
    const job = await open(other, run)
    const planned = await plan(other, run, job, { 'secret.bin': file })
    expect(planned).toEqual({ needed: ['secret.bin'], held: 0, copied: 0 })
    await other.call('POST', `/api/v1/jobs/${job}/cancel`)
  })
}

async function open(client: LadingClient, run: string): Promise<string> {
  const opened = await client.call<JobResponse>('POST', `/api/v1/experiments/runs/${run}/uploads`, {})
  expect(opened.status).toBe(201)
  return opened.body.job_id
}

async function plan(
  client: LadingClient,
  run: string,
  job: string,
  files: Readonly<Record<string, Content>>,
): Promise<PlanResponse> {
  const asked = Object.entries(files).map(([path, { size, sha256 }]) => ({ path, size, sha256 }))
  const planned = await client.call<PlanResponse>(
    'POST',
    `/api/v1/experiments/runs/${run}/uploads/${job}/plan`,
    { files: asked },
  )
  expect(planned.status).toBe(200)
  return planned.body
}
