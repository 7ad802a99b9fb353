import { type Job, LadingJobError } from '@lading/client'
import { Interrupted } from '../interrupted.ts'
import { PartialFailure } from '../partial-failure.ts'
import { tell } from '../tell.ts'
import type { Session } from './session.ts'

/** Files that failed and are named one by one; the rest are counted. */
const NAMED = 20

/** Waits until a job has ended, and shows how far it is. Interrupted, it says that the job goes on. */
export async function watchJob(session: Session, jobId: string): Promise<Job> {
  try {
    return await watch(session, jobId)
  } catch (error) {
    if (!session.signal.aborted) throw error
    throw new Interrupted(`job ${jobId} goes on, and \`lading jobs watch ${jobId}\` waits for it`)
  }
}

async function watch({ client, signal, progress }: Session, jobId: string): Promise<Job> {
  using shown = progress()
  let last = await client.jobs.get(jobId, { signal })
  for await (const job of client.jobs.watch(jobId, { signal })) {
    last = job
    const { files, bytes } = job
    shown.show('delivering', {
      files: files.done,
      filesTotal: files.total,
      bytes: bytes.done,
      bytesTotal: bytes.total,
      failed: files.failed,
    })
  }
  return last
}

/** Names what failed of a job that has ended. Fails with a `PartialFailure` where some of it was delivered. */
export async function requireDelivered(session: Session, job: Job): Promise<void> {
  if (job.state === 'completed') return
  if (job.files.failed > 0) await nameFailures(session, job)
  if (job.files.stored > 0 && !job.atomic)
    throw new PartialFailure(`job ${job.job_id}: ${job.files.failed} of ${job.files.total} files failed`)
  if (job.error !== undefined) throw new LadingJobError(job.job_id, job.error)
  throw new Error(`job ${job.job_id} is ${job.state}`)
}

async function nameFailures({ client, output, signal }: Session, job: Job): Promise<void> {
  let named = 0
  for await (const { path, error } of client.jobs.files(job.job_id, { state: 'failed', signal })) {
    const sentence = `${path}: ${error?.detail ?? 'the job says no more'}`
    tell({ exit: 'failed', code: error?.code ?? 'failed', sentence })
    named += 1
    if (named === NAMED) break
  }
  if (job.files.failed > named) output.remark(`and ${job.files.failed - named} more`)
}
