import type { JobError, Problem, ProblemQuota } from './bodies.ts'

/** What every call of this package fails with, but for the reason of an `AbortSignal`. */
export class LadingError extends Error {
  override readonly name: string = 'LadingError'
  /** Stable; what programs compare, as `run_not_found`. */
  readonly code: string
  /** Says what is wrong, and what to do. */
  readonly detail: string
  /** Of HTTP. Undefined: the server did not say this. */
  readonly status: number | undefined
  /** Whether the same call may succeed later. */
  readonly retryable: boolean

  constructor(
    code: string,
    detail: string,
    options: { readonly status?: number; readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = detail
    this.status = options.status
    this.retryable = options.retryable ?? false
  }
}

/** A refusal of the server. */
export class LadingApiError extends LadingError {
  override readonly name = 'LadingApiError'
  declare readonly status: number
  /** For whoever reads the log of the server. */
  readonly requestId: string | undefined
  /** Of an upload that was accepted, and whose delivery failed. */
  readonly jobId: string | undefined
  /** How long the server asks to wait before the next attempt. */
  readonly retryAfterMs: number | undefined
  /** What the tenant may have and has, where that is why. */
  readonly quota: ProblemQuota | undefined

  constructor(status: number, problem: Partial<Problem>, retryAfterMs?: number) {
    const { code = 'http_error', detail = `the server answered ${status}` } = problem
    super(code, detail, { status, retryable: problem.retryable ?? mayPass(status) })
    this.requestId = problem.request_id
    this.jobId = problem.job_id
    this.retryAfterMs = retryAfterMs
    this.quota = problem.quota
  }
}

/** A job that did not deliver what was accepted. */
export class LadingJobError extends LadingError {
  override readonly name = 'LadingJobError'
  readonly jobId: string
  /** The file it befell. */
  readonly path: string | undefined

  constructor(jobId: string, { code, detail, path, retryable }: JobError) {
    super(code, path === undefined ? detail : `${path}: ${detail}`, { retryable })
    this.jobId = jobId
    this.path = path
  }
}

/** Of an answer that is no problem document: one of a proxy, or to HEAD. */
function mayPass(status: number): boolean {
  return [408, 421, 423, 425, 429].includes(status) || (status >= 500 && status !== 501)
}
