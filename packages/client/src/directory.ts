import { atOnce } from './at-once.ts'
import { type Batch, batchesOf } from './batches.ts'
import { LadingError } from './errors.ts'
import { newKey } from './idempotency-key.ts'
import { openJob } from './open-job.ts'
import type { DirectoryOptions, FileToLog } from './options.ts'
import { orAborted } from './or-aborted.ts'
import type { RunContext } from './run-context.ts'
import { sendBatch } from './send-batch.ts'
import { sendTar } from './send-tar.ts'
import { Tally } from './tally.ts'
import { bytesIn, type Tar } from './tar.ts'

/** Requests under way. With their batches, they are most of the memory that a directory takes. */
const REQUESTS = 4
/** An open job of a client that was killed does not stay open for ever: 7 days. */
const DEADLINE_SECONDS = 7 * 86_400

/**
 * Logs a directory as one job, and gives its id. Small files travel as tars; a few are one request, and more are an open
 * job that is sealed at the end. What fails is cancelled, unless it can be resumed by its key, or the job is the caller's.
 */
export async function logDirectory(
  context: RunContext,
  files: Iterable<FileToLog> | AsyncIterable<FileToLog>,
  options: DirectoryOptions,
): Promise<string> {
  const batches = batchesOf(files)
  try {
    const jobId = await logBatches(context, batches, options)
    await batches.return(undefined)
    return jobId
  } catch (error) {
    // Not waited for: it may be waiting for a file that never comes. What made the upload fail is thrown.
    batches.return(undefined).catch(() => undefined)
    throw error
  }
}

async function logBatches(
  context: RunContext,
  batches: AsyncGenerator<Batch>,
  options: DirectoryOptions,
): Promise<string> {
  if (options.jobId !== undefined) {
    await sendAll(context, batches, { ...options, jobId: options.jobId, asks: options.onlyNeeded ?? false })
    return options.jobId
  }
  const next = () => orAborted(batches.next(), options.signal)
  const [first, second] = [await next(), await next()]
  if (first.done) throw new LadingError('no_file', 'there is no file to be logged')
  if (second.done && 'small' in first.value && options.onlyNeeded !== true)
    return await sendAsOne(context, first.value.small, options)
  const known = second.done ? [first.value] : [first.value, second.value]
  return await sendAsJob(context, chained(known, batches), options)
}

async function sendAsOne(
  context: RunContext,
  small: Tar,
  { directory, atomic = true, idempotencyKey, onProgress, signal }: DirectoryOptions,
): Promise<string> {
  const query = { artifact_path: directory || undefined, atomic: String(atomic) }
  const call = signal === undefined ? {} : { signal }
  const jobId = await sendTar(context, small, { query, idempotencyKey, ...call })
  new Tally(onProgress).add(bytesIn(small.entries), small.entries.length)
  return jobId
}

async function sendAsJob(
  context: RunContext,
  batches: AsyncIterable<Batch>,
  options: DirectoryOptions,
): Promise<string> {
  const { signal, onProgress: _, ...opening } = options
  const call = signal === undefined ? {} : { signal }
  const job = await openJob(context, { ...opening, ...call, deadlineSeconds: DEADLINE_SECONDS })
  // One that was sealed by an earlier call with this key.
  if (job.state !== 'open') return job.job_id
  try {
    // Files that it has already are of an earlier call.
    const asks = options.onlyNeeded === true || job.files.total > 0
    const files = await sendAll(context, batches, { ...options, jobId: job.job_id, asks })
    await context.jobs.seal(job.job_id, { ...call, ...(!asks && { files }) })
    return job.job_id
  } catch (error) {
    if (options.idempotencyKey === undefined) await cancel(context, job.job_id)
    throw error
  }
}

/** How many files there were. */
async function sendAll(
  context: RunContext,
  batches: AsyncIterable<Batch>,
  options: DirectoryOptions & { readonly jobId: string; readonly asks: boolean },
): Promise<number> {
  const { jobId, asks, idempotencyKey = newKey(), onProgress } = options
  const tally = new Tally(onProgress)
  const adding = { jobId, asks, idempotencyKey, tally }
  const send = (batch: Batch, signal: AbortSignal) => sendBatch(context, batch, adding, signal)
  await atOnce(batches, REQUESTS, send, options.signal)
  return tally.progress.files
}

/** What made the upload fail is what the caller is told; a job that cannot be cancelled now ends at its deadline. */
async function cancel({ jobs }: RunContext, jobId: string): Promise<void> {
  await jobs.cancel(jobId).catch(() => undefined)
}

async function* chained<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  yield* rest
}
