import type { Job, JobFile, JobState } from './bodies.ts'
import { LadingError } from './errors.ts'
import { jobsIn } from './job-events.ts'
import type { CallOptions, ListJobFilesOptions, ListJobsOptions } from './options.ts'
import { pagesOf } from './pages.ts'
import type { Transport } from './transport.ts'

const ENDED: readonly JobState[] = ['completed', 'failed', 'cancelled']
/** Seconds that one request waits for the end of a job. */
const WAIT_SECONDS = 20

function jobHasEnded({ state }: Job): boolean {
  return ENDED.includes(state)
}

export class Jobs {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#transport.json<Job>(addressOf(jobId), 'job_id', options)
  }

  /** The job as it ended, whether it is completed, failed or cancelled. */
  async wait(jobId: string, options: CallOptions = {}): Promise<Job> {
    let job: Job
    do job = await this.#transport.json<Job>(`${addressOf(jobId)}?wait=${WAIT_SECONDS}`, 'job_id', options)
    while (!jobHasEnded(job))
    return job
  }

  /** The job as it is, and again whenever something changes, until it has ended. */
  async *watch(jobId: string, options: CallOptions = {}): AsyncGenerator<Job> {
    const { retries = 5 } = this.#transport.options
    for (let failures = 0; ; ) {
      const events = await this.#transport.send(`${addressOf(jobId)}/events`, options)
      try {
        for await (const job of jobsIn(this.#transport.chunks(events))) {
          failures = 0
          yield job
          if (jobHasEnded(job)) return
        }
        // A server that stops ends the stream; another one goes on with it.
        throw new LadingError('connection_failed', `job ${jobId}: its events ended before it did`)
      } catch (error) {
        if (options.signal?.aborted || ++failures > retries) throw error
        await this.#transport.pauseAfter(error, failures, options.signal)
      }
    }
  }

  /** Newest first. */
  list({ runId, state, ...options }: ListJobsOptions = {}): AsyncGenerator<Job> {
    return pagesOf(this.#transport, '/api/v1/jobs', 'jobs', { run_id: runId, state }, options)
  }

  files(jobId: string, { state, ...options }: ListJobFilesOptions = {}): AsyncGenerator<JobFile> {
    return pagesOf(this.#transport, `${addressOf(jobId)}/files`, 'files', { state }, options)
  }

  cancel(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#transport.json<Job>(`${addressOf(jobId)}/cancel`, 'job_id', {
      method: 'POST',
      repeatable: true,
      ...options,
    })
  }

  /** Queues the failed files of a failed job again. */
  retry(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#transport.json<Job>(`${addressOf(jobId)}/retry`, 'job_id', { method: 'POST', ...options })
  }

  /** Ends an open job. */
  seal(jobId: string, options: CallOptions & { readonly shard?: number } = {}): Promise<Job> {
    const { shard, ...call } = options
    const body = shard === undefined ? {} : { shard }
    return this.#transport.post<Job>(`${addressOf(jobId)}/seal`, 'job_id', body, {
      repeatable: true,
      ...call,
    })
  }
}

function addressOf(jobId: string): string {
  return `/api/v1/jobs/${encodeURIComponent(jobId)}`
}
