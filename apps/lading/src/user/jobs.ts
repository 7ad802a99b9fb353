import type { JobState } from '@lading/client'
import { forEvery } from './every.ts'
import { jobLine } from './job-line.ts'
import type { Session } from './session.ts'
import { requireDelivered, watchJob } from './watch-job.ts'

export interface JobListOptions {
  readonly run?: string
  readonly state?: JobState
  readonly limit: number
}

/** Newest first. */
export async function listJobs(
  { client, output, signal }: Session,
  { run, state, limit }: JobListOptions,
): Promise<void> {
  const wanted = { ...(run !== undefined && { runId: run }), ...(state !== undefined && { state }), signal }
  let listed = 0
  for await (const job of client.jobs.list(wanted)) {
    await output.result(job, jobLine(job))
    listed += 1
    if (listed === limit) return
  }
}

/** A job, or each of its files with its state. */
export async function showJob(
  { client, output, signal }: Session,
  jobId: string,
  { files }: { readonly files: boolean },
): Promise<void> {
  if (!files) {
    const job = await client.jobs.get(jobId, { signal })
    await output.result(job, `${jobLine(job)}${job.error === undefined ? '' : `\n${job.error.detail}`}`)
    return
  }
  for await (const file of client.jobs.files(jobId, { signal })) {
    const error = file.error === undefined ? '' : `: ${file.error.detail}`
    await output.result(file, `${file.state.padEnd(10)}  ${file.path}${error}`)
  }
}

/** Waits until each has ended. */
export async function watchJobs(session: Session, jobIds: readonly string[]): Promise<void> {
  const watch = async (jobId: string) => {
    const job = await watchJob(session, jobId)
    await session.output.result(job, jobLine(job))
    await requireDelivered(session, job)
  }
  await forEvery(jobIds, watch, (jobId) => jobId)
}

export async function cancelJobs(session: Session, jobIds: readonly string[]): Promise<void> {
  await change(session, jobIds, (jobId) => session.client.jobs.cancel(jobId, { signal: session.signal }))
}

/** Queues the failed files of failed jobs again. */
export async function retryJobs(session: Session, jobIds: readonly string[]): Promise<void> {
  await change(session, jobIds, (jobId) => session.client.jobs.retry(jobId, { signal: session.signal }))
}

async function change(
  { output }: Session,
  jobIds: readonly string[],
  work: (jobId: string) => ReturnType<Session['client']['jobs']['cancel']>,
): Promise<void> {
  const one = async (jobId: string) => {
    const job = await work(jobId)
    await output.result(job, jobLine(job))
  }
  await forEvery(jobIds, one, (jobId) => jobId)
}
