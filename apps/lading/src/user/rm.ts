import { forEvery } from './every.ts'
import type { Session } from './session.ts'
import { requireDelivered, watchJob } from './watch-job.ts'

export interface RmOptions {
  readonly run: string
  readonly recursive: boolean
  readonly wait: boolean
}

/** Deletes artifacts; with `recursive` directories too, whose objects go by a job. */
export async function rm(
  session: Session,
  paths: readonly string[],
  { run, recursive, wait }: RmOptions,
): Promise<void> {
  const { client, output, signal } = session
  const remove = async (path: string) => {
    const job = await client.run(run).delete(path, { recursive, signal })
    if (job === undefined) return output.result({ path }, `deleted ${path}`)
    output.result({ path, job_id: job.job_id }, `deleted ${path}, by job ${job.job_id}`)
    if (wait) await requireDelivered(session, await watchJob(session, job.job_id))
  }
  await forEvery(paths, remove, (path) => path)
}
