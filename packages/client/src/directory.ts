import { atOnce } from './at-once.ts'
import { type Batch, batchesOf } from './batches.ts'
import { LadingError } from './errors.ts'
import { keyOfPart, newKey } from './idempotency-key.ts'
import { openJob } from './open-job.ts'
import type { DirectoryOptions, FileToLog } from './options.ts'
import { withoutHeld } from './plan.ts'
import type { RunContext } from './run-context.ts'
import { sendFile } from './send-file.ts'
import { ship } from './ship.ts'
import { Tally } from './tally.ts'
import { tarOf } from './tar.ts'

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
  if (options.jobId !== undefined) {
    await sendAll(context, batches, { ...options, jobId: options.jobId })
    return options.jobId
  }
  const [first, second] = [await batches.next(), await batches.next()]
  if (first.done) throw new LadingError('no_file', 'there is no file to be logged')
  const known = second.done ? [first.value] : [first.value, second.value]
  if (second.done && 'small' in first.value) return await sendAsOne(context, first.value.small, options)
  return await sendAsJob(context, chained(known, batches), options)
}

async function sendAsOne(
  context: RunContext,
  small: Parameters<typeof tarOf>[0],
  { directory, atomic = true, idempotencyKey = newKey(), onProgress, signal }: DirectoryOptions,
): Promise<string> {
  const query = { artifact_path: directory || undefined, atomic: String(atomic) }
  const call = signal === undefined ? {} : { signal }
  const jobId = await sendTar(context, small, { query, idempotencyKey, ...call })
  new Tally(onProgress).add(bytesOf(small), small.length)
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
    const resumed = job.files.total > 0
    const files = await sendAll(context, batches, { ...options, jobId: job.job_id, resumed })
    await context.jobs.seal(job.job_id, { ...call, ...(!resumed && { files }) })
    return job.job_id
  } catch (error) {
    if (options.idempotencyKey === undefined) await cancel(context, job.job_id)
    throw error
  }
}

interface Adding extends DirectoryOptions {
  readonly jobId: string
  /** Whether the job has files of an earlier call. */
  readonly resumed?: boolean
}

/** How many files there were. */
async function sendAll(
  context: RunContext,
  batches: AsyncIterable<Batch>,
  { jobId, resumed = false, idempotencyKey = newKey(), onProgress, signal: outer }: Adding,
): Promise<number> {
  const tally = new Tally(onProgress)
  await atOnce(
    batches,
    REQUESTS,
    async (batch, signal) => {
      if ('large' in batch) {
        const { path, large } = batch
        const key = await keyOfPart(idempotencyKey, path, context.digests)
        await sendFile(context, path, large, {
          jobId,
          signal,
          idempotencyKey: key,
          onProgress: tally.ofFile(),
        })
        return
      }
      const needed = resumed ? await withoutHeld(context, jobId, batch.small, signal) : batch.small
      if (needed.length > 0) await sendTar(context, needed, { jobId, signal, idempotencyKey: newKey() })
      tally.add(bytesOf(batch.small), batch.small.length)
    },
    outer,
  )
  return tally.progress.files
}

async function sendTar(
  context: RunContext,
  small: Parameters<typeof tarOf>[0],
  {
    query = {},
    idempotencyKey,
    ...options
  }: {
    readonly query?: Readonly<Record<string, string | undefined>>
    readonly idempotencyKey: string
    readonly jobId?: string
    readonly signal?: AbortSignal
  },
): Promise<string> {
  const body = tarOf(small)
  const shipment = {
    address: `${context.address}/log-artifacts`,
    method: 'POST',
    query,
    contentType: 'application/x-tar',
    body,
    sha256: await context.digests.whole(body),
    idempotencyKey,
  } as const
  return (await ship(context.transport, shipment, options)).job_id
}

/** What made the upload fail is what the caller is told; a job that cannot be cancelled now ends at its deadline. */
async function cancel({ jobs }: RunContext, jobId: string): Promise<void> {
  await jobs.cancel(jobId).catch(() => undefined)
}

function bytesOf(entries: readonly { readonly bytes: Uint8Array }[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

async function* chained<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  yield* rest
}
