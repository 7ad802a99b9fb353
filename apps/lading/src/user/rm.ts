import { LadingError } from '@lading/client'
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
    const job = await client.run(run).delete(path, { recursive, signal }).catch(whereOptionIsWanted)
    if (job === undefined) return await output.result({ path }, `deleted ${path}`)
    await output.result({ path, job_id: job.job_id }, `deleted ${path}, by job ${job.job_id}`)
    if (wait) await requireDelivered(session, await watchJob(session, job.job_id))
  }
  await forEvery(paths, remove, (path) => path)
}

/** Of the server, which refuses its own field, and says how to give that. */
function whereOptionIsWanted(error: unknown): never {
  if (error instanceof LadingError && error.detail.startsWith('recursive: '))
    throw new LadingError(error.code, 'it is a directory: -r deletes it, with all that lies in it', {
      ...(error.status !== undefined && { status: error.status }),
      cause: error,
    })
  throw error
}
