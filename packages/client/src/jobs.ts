import type { Job, JobFile, JobState } from './bodies.ts'
import type { CallOptions } from './options.ts'
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
    return this.#transport.json(addressOf(jobId), options)
  }

  /** The job as it ended, whether it is completed, failed or cancelled. */
  async wait(jobId: string, options: CallOptions = {}): Promise<Job> {
    let job: Job
    do job = await this.#transport.json<Job>(`${addressOf(jobId)}?wait=${WAIT_SECONDS}`, options)
    while (!jobHasEnded(job))
    return job
  }

  /** Newest first. */
  list({
    runId,
    state,
    ...options
  }: CallOptions & { readonly runId?: string; readonly state?: JobState } = {}): AsyncGenerator<Job> {
    return pagesOf(this.#transport, '/api/v1/jobs', 'jobs', { run_id: runId, state }, options)
  }

  files(jobId: string, options: CallOptions = {}): AsyncGenerator<JobFile> {
    return pagesOf(this.#transport, `${addressOf(jobId)}/files`, 'files', {}, options)
  }

  cancel(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#transport.json(`${addressOf(jobId)}/cancel`, {
      method: 'POST',
      repeatable: true,
      ...options,
    })
  }

  /** Queues the failed files of a failed job again. */
  retry(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#transport.json(`${addressOf(jobId)}/retry`, { method: 'POST', ...options })
  }

  /** Ends an open job. */
  seal(jobId: string, options: CallOptions & { readonly shard?: number } = {}): Promise<Job> {
    const { shard, ...call } = options
    const body = shard === undefined ? {} : { shard }
    return this.#transport.post(`${addressOf(jobId)}/seal`, body, { repeatable: true, ...call })
  }
}

function addressOf(jobId: string): string {
  return `/api/v1/jobs/${encodeURIComponent(jobId)}`
}
