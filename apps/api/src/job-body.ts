import type { Job, JobFile } from '@lading/catalog'
import { ERRORS, type JobFileResponse, type JobResponse } from '@lading/protocol'

export function jobUrl(jobId: string): string {
  return `/api/v1/jobs/${jobId}`
}

/** A job as clients see it. */
export function jobBody(job: Job): JobResponse {
  const { total, stored, failed, superseded, cancelled } = job.files
  return {
    job_id: job.jobId,
    run_id: job.runId,
    kind: job.kind,
    state: job.state,
    atomic: job.atomic,
    artifact_path: job.directory,
    shards: job.shards ?? null,
    files: { total, done: stored + failed + superseded + cancelled, stored, failed, superseded, cancelled },
    bytes: job.bytes,
    cancel_requested: job.cancelRequested,
    ...(job.error === undefined ? {} : { error: jobErrorBody(job.error) }),
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    ended_at: job.endedAt?.toISOString() ?? null,
    sealed_at: job.sealedAt?.toISOString() ?? null,
    deadline: job.deadline?.toISOString() ?? null,
    status_url: jobUrl(job.jobId),
    files_url: `${jobUrl(job.jobId)}/files`,
  }
}

export function jobFileBody(file: JobFile): JobFileResponse {
  return {
    file_id: file.fileId,
    path: file.path,
    size: file.size,
    sha256: file.sha256,
    state: file.state,
    ...(file.error === undefined ? {} : { error: fileErrorBody(file.error) }),
    ended_at: file.endedAt?.toISOString() ?? null,
  }
}

function jobErrorBody(error: NonNullable<Job['error']>): NonNullable<JobResponse['error']> {
  return { ...fileErrorBody(error), ...(error.path === undefined ? {} : { path: error.path }) }
}

function fileErrorBody({
  code,
  detail,
}: NonNullable<JobFile['error']>): NonNullable<JobFileResponse['error']> {
  const { title, retryable } = ERRORS[code]
  return { code, title, detail, retryable }
}
