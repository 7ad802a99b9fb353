import type { ExperimentBody, Job, RunBody } from '@lading/client'
import { ExperimentResponse, JobFileResponse, JobResponse, RunResponse } from '@lading/protocol'
import { expect, test } from 'vitest'
import { newUser, type User } from './user.ts'

export function jobs(url: () => string): void {
  test('jobs are listed, shown with their files, and watched to their end', async () => {
    await using user = await newUser(url())
    const jobId = await uploaded(user)
    expect((await user.lading('jobs', 'watch', jobId)).out).toMatch(
      new RegExp(`^${jobId}  completed  \\S+Z  2 files, 5 bytes\n$`),
    )
    const [listed] = await user.json<Job>('jobs', '--run', user.run, '--state', 'completed')
    expect(JobResponse.parse(listed)).toMatchObject({ job_id: jobId, files: { stored: 2 } })
    expect(await user.json<Job>('jobs', 'show', jobId)).toEqual([listed])
    const files = await user.json('jobs', 'show', '--files', jobId)
    expect(files.map((file) => JobFileResponse.parse(file).state)).toEqual(['stored', 'stored'])
    expect(await user.json('jobs', '--limit', '1')).toHaveLength(1)
  })

  test('an open job is cancelled, and whoever watches it is told by the exit code', async () => {
    await using user = await newUser(url())
    await user.write({ 'a.txt': 'a' })
    const response = await fetch(`${url()}/api/v1/experiments/runs/${user.run}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tenant-id': 'acme-corp' },
      body: '{}',
    })
    const { job_id: jobId } = (await response.json()) as Job
    const watching = user.lading('jobs', 'watch', jobId)
    expect(await user.json<Job>('jobs', 'cancel', jobId)).toMatchObject([{ state: 'cancelled' }])
    expect(await watching).toMatchObject({ code: 1, err: expect.stringContaining('is cancelled') })
    expect((await user.lading('jobs', 'retry', jobId)).code).toBe(6)
    expect((await user.lading('jobs', 'cancel', 'nothing')).code).toBe(5)
  })

  test('a run is begun in an experiment that is made for it, listed and ended', async () => {
    await using user = await newUser(url())
    const name = `experiment of ${user.run}`
    const id = (await user.lading('runs', 'start', '--experiment', name, '--name', 'first')).out.trim()
    expect(await user.lading('runs', 'finish', id, '--status', 'FAILED')).toMatchObject({ code: 0 })
    const listed = await user.json<RunBody>('runs', '--experiment', name)
    expect(listed.map((run) => RunResponse.parse(run))).toMatchObject([
      { run_id: id, name: 'first', status: 'FAILED' },
    ])
    expect(await user.json('runs', 'show', id)).toEqual(listed)
    expect((await user.lading('runs', '--experiment', 'nothing')).code).toBe(5)
  })

  test('an experiment is made once, and found by its name and its id', async () => {
    await using user = await newUser(url())
    const name = `made by ${user.run}`
    const id = (await user.lading('experiments', 'create', name)).out.trim()
    const [byName] = await user.json<ExperimentBody>('experiments', 'show', name)
    expect(ExperimentResponse.parse(byName)).toMatchObject({ experiment_id: id, name })
    expect(await user.json('experiments', 'show', id)).toEqual([byName])
    expect(await user.json('experiments')).toContainEqual(byName)
    expect(await user.lading('experiments', 'create', name)).toMatchObject({ code: 6 })
  })
}

async function uploaded(user: User): Promise<string> {
  await user.write({ 'a.txt': 'a', 'b.txt': 'four' })
  const [report] = await user.json<{ job_id: string }>('upload', 'a.txt', 'b.txt')
  return report?.job_id ?? ''
}
