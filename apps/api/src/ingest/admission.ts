import type { Acceptance, Job, Run } from '@lading/catalog'
import { type ArtifactDirectory, parseDigestField, parseListPrefix, type Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Request } from 'express'
import type { ApiLimits } from '../config.ts'
import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import type { Call } from '../operation.ts'
import { preferredWait } from '../prefer.ts'
import { contentLengthOf } from '../request-head.ts'
import { found, jobOf, runOf } from '../routes/ids.ts'

export interface UploadQuery {
  readonly artifact_path?: string | undefined
  readonly job_id?: string | undefined
  readonly atomic?: boolean | undefined
}

export type UploadCall = Call<{ readonly run_id: string }, UploadQuery, unknown>

/** What is known of an upload before its body is read. */
export interface Admission {
  readonly run: Run
  readonly job: Acceptance['job']
  /** Of the open job: goes before every path of the request. */
  readonly directory: ArtifactDirectory
  /** Bytes of the body; undefined when it comes in chunks. */
  readonly length: number | undefined
  /** SHA-256 of the whole body, if the head declares it. */
  readonly bodySha256: Sha256Hex | undefined
  /** Milliseconds that the client would wait for the end of the job. */
  readonly waitMs: number
}

/**
 * Everything that can refuse an upload by its head alone, so that a refusal costs the client no body. `atomic`: what the
 * job is when the request does not say.
 */
export async function admit(
  { catalog, config }: Pick<ApiContext, 'catalog' | 'config'>,
  call: UploadCall,
  atomic: boolean,
): Promise<Admission> {
  const { request, response, tenant, params } = call
  checkEncoding(request)
  const length = checkLength(request, config.limits)
  const bodySha256 = declaredSha256(request)
  const run = await runOf(catalog, tenant, params.run_id)
  exchangeOf(response).runId = run.runId
  const target = await targetOf({ catalog, config }, call, run, atomic)
  // An open job ends when it is sealed, for which the answer to this request may be needed.
  const seconds = target.job.kind === 'open' ? 0 : (preferredWait(request.headers.prefer) ?? 0)
  return { run, ...target, length, bodySha256, waitMs: Math.min(seconds * 1000, config.limits.waitMs) }
}

/** Fails with `job_not_found`, `job_state_conflict`, `job_too_large`. */
export async function targetOf(
  { catalog, config }: Pick<ApiContext, 'catalog' | 'config'>,
  { tenant, query, request }: Pick<UploadCall, 'tenant' | 'query' | 'request'>,
  run: Run,
  atomic: boolean,
): Promise<Pick<Admission, 'job' | 'directory'>> {
  const { job_id: jobId } = query
  if (jobId === undefined) return { job: { kind: 'new', atomic: query.atomic ?? atomic }, directory: '' }
  if (query.atomic !== undefined) {
    throw new LadingError('validation_failed', 'atomic: an open job is atomic or not since it was opened')
  }
  const job = await jobOf(catalog, tenant, jobId)
  found(job.runId === run.runId ? job : undefined, 'job_not_found', 'job', jobId)
  // With a key this may be the repetition of what it took while it was open; accepting looks again.
  const isRepeatable = request.headers['idempotency-key'] !== undefined
  if ((job.state !== 'open' || job.cancelRequested) && !isRepeatable) {
    throw new LadingError(
      'job_state_conflict',
      `job_id: the job is ${job.state}; only an open one takes files`,
    )
  }
  if (!isRepeatable) checkRoom(job, config.limits)
  return { job: { kind: 'open', jobId }, directory: parseListPrefix(job.directory) }
}

/** A job that is full takes not one file more; whether what comes is too much is known when it has come. */
function checkRoom({ files }: Job, { job: { files: most } }: ApiLimits): void {
  if (files.total < most) return
  throw new LadingError(
    'job_too_large',
    `job_id: the job has ${files.total} files and empty directories; the limit of one job is ${most}; use several jobs`,
  )
}

function checkEncoding(request: Request): void {
  const encoding = request.headers['content-encoding']
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw new LadingError(
    'unsupported_content_encoding',
    'Content-Encoding: bytes are kept as they come; send them without it, or as a file that is compressed by name',
  )
}

function checkLength(request: Request, limits: ApiLimits): number | undefined {
  const length = contentLengthOf(request)
  if (length === undefined || length <= limits.requestBytes) return length
  throw new LadingError(
    'request_too_large',
    `Content-Length: ${length} bytes; the limit of one request is ${limits.requestBytes} bytes`,
  )
}

/**
 * An upload is whole and not encoded, so that its content is its representation: `Content-Digest` and `Repr-Digest`
 * (RFC 9530) say the same of it.
 */
function declaredSha256(request: Request): Sha256Hex | undefined {
  const content = digestIn(request, 'Content-Digest')
  const representation = digestIn(request, 'Repr-Digest')
  if (content !== undefined && representation !== undefined && content !== representation) {
    throw new LadingError(
      'digest_mismatch',
      'Content-Digest and Repr-Digest differ; of a whole body they are the same',
    )
  }
  return content ?? representation
}

function digestIn(request: Request, name: string): Sha256Hex | undefined {
  const value = request.headers[name.toLowerCase()]
  return typeof value === 'string' ? parseDigestField(value, name) : undefined
}
