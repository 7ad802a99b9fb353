import type { Job } from './bodies.ts'
import { LadingError, LadingJobError } from './errors.ts'
import type { Jobs } from './jobs.ts'
import type { CallOptions } from './options.ts'

/** What the server has accepted: its bytes are kept, and the job says what becomes of them. */
export class Upload {
  readonly jobId: string
  /** In the run, of the file or directory. */
  readonly path: string
  readonly #jobs: Jobs

  constructor(jobId: string, path: string, jobs: Jobs) {
    this.jobId = jobId
    this.path = path
    this.#jobs = jobs
  }

  status(options: CallOptions = {}): Promise<Job> {
    return this.#jobs.get(this.jobId, options)
  }

  /** The job as it ended, whether it is completed, failed or cancelled. */
  wait(options: CallOptions = {}): Promise<Job> {
    return this.#jobs.wait(this.jobId, options)
  }

  /** The job when all is in the object store. Fails with `LadingJobError` where it is not, and with `cancelled`. */
  async delivered(options: CallOptions = {}): Promise<Job> {
    const job = await this.wait(options)
    if (job.state === 'completed') return job
    if (job.error !== undefined) throw new LadingJobError(job.job_id, job.error)
    throw new LadingError('cancelled', `job ${job.job_id} is ${job.state}`)
  }

  cancel(options: CallOptions = {}): Promise<Job> {
    return this.#jobs.cancel(this.jobId, options)
  }
}
