import { LadingError } from '@lading/protocol'
import type { Job } from './model.ts'

/** What one job may hold, over all requests that add to it. A file that is sent again counts again. */
export interface JobLimits {
  /** Files, and empty directories. */
  readonly files: number
  readonly bytes: number
}

export const DEFAULT_JOB_LIMITS: JobLimits = { files: 1_000_000, bytes: 16 * 1024 ** 4 }

/** Fails with `job_too_large` for a job that holds more, as it would with what is just being accepted. */
export function checkJobSize({ files, bytes }: Pick<Job, 'files' | 'bytes'>, limits: JobLimits): void {
  if (files.total > limits.files) {
    throw tooLarge(`${files.total} files and empty directories; the limit of one job is ${limits.files}`)
  }
  if (bytes.total > limits.bytes) {
    throw tooLarge(`${bytes.total} bytes; the limit of one job is ${limits.bytes} bytes`)
  }
}

/** The same for a job that is opened for so many files: none of them need be sent to find out. */
export function checkExpectedFiles(files: number | undefined, limits: JobLimits): void {
  if (files === undefined || files <= limits.files) return
  throw new LadingError(
    'job_too_large',
    `expected_files: ${files}; the limit of one job is ${limits.files}; use several jobs`,
  )
}

function tooLarge(what: string): LadingError {
  return new LadingError(
    'job_too_large',
    `job_id: with this request the job would have ${what}; use several jobs`,
  )
}
