import type { Job } from '@lading/catalog'
import { jobHasEnded } from '@lading/core'
import { type AcceptedResponse, LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { goneSignal } from '../exchange.ts'
import { jobUrl } from '../job-body.ts'
import { sendProblem } from '../problem.ts'
import { sendJson } from '../send-json.ts'
import type { UploadCall } from './admission.ts'
import type { Contents } from './look-through.ts'

export interface Receipt {
  readonly job: Job
  readonly contents: Contents
  /** Whether an earlier request with the same key was accepted. */
  readonly replayed: boolean
  /** Milliseconds. */
  readonly waitMs: number
}

/** 202, or after a wait: 201 when all is delivered, the job's own error when it failed, 202 when time ran out. */
export async function reply(context: ApiContext, call: UploadCall, receipt: Receipt): Promise<void> {
  const { response } = call
  const job = await waited(context, call, receipt)
  const statusUrl = jobUrl(job.jobId)
  response.setHeader('location', statusUrl)
  if (receipt.replayed) response.setHeader('idempotency-replayed', 'true')
  if (receipt.waitMs > 0) response.setHeader('preference-applied', `wait=${receipt.waitMs / 1000}`)
  if (receipt.waitMs > 0 && (job.state === 'failed' || job.state === 'cancelled')) {
    sendProblem(context, call.request, response, errorOf(job), { job_id: job.jobId, status_url: statusUrl })
    return
  }
  const { files, bytes, listed: artifacts } = receipt.contents
  const logged = receipt.waitMs > 0 && job.state === 'completed'
  sendJson(response, logged ? 201 : 202, {
    message: logged ? 'Artifact logged' : 'Artifact accepted',
    run_id: job.runId,
    artifact: artifacts[0] ?? '',
    artifacts: [...artifacts],
    files,
    bytes,
    job_id: job.jobId,
    status_url: statusUrl,
    state: job.state,
  } satisfies AcceptedResponse)
}

/** The files are accepted, whatever happens to the wait: a catalog that goes away meanwhile does not unsay it. */
async function waited(
  context: ApiContext,
  { tenant, response }: UploadCall,
  { job, waitMs }: Receipt,
): Promise<Job> {
  if (waitMs <= 0 || jobHasEnded(job.state)) return job
  const signal = AbortSignal.any([goneSignal(response), context.stopping.signal])
  await context.jobWatch.untilEnded(job.jobId, waitMs, signal)
  try {
    return (await context.catalog.jobs.get(tenant, job.jobId)) ?? job
  } catch (error) {
    context.log.warn({ err: error, job_id: job.jobId }, 'could not learn what became of a job')
    return job
  }
}

function errorOf(job: Job): LadingError {
  if (job.error !== undefined) {
    const where = job.error.path === undefined ? '' : `${JSON.stringify(job.error.path)}: `
    return new LadingError(job.error.code, `${where}${job.error.detail}`)
  }
  return job.state === 'cancelled'
    ? new LadingError('cancelled', 'the job was cancelled before it was done')
    : new LadingError('internal', 'the job failed; its status has the files')
}
