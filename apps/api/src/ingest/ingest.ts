import type { Job } from '@lading/catalog'
import { formatKey, newId, type PackWriter } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import { checkPathSize } from '../path-limits.ts'
import { type Admission, admit, type UploadCall } from './admission.ts'
import { type ClaimedKey, claimKey, fingerprintOf } from './idempotency.ts'
import { Intake } from './intake.ts'
import type { Lane, PlacedFile } from './lane.ts'
import { reply } from './reply.ts'
import { settlePaths } from './settle-paths.ts'

/**
 * The way of an upload, whose job is `atomic` unless the request says otherwise: admitted by its head, read into a pack, checked, sealed, accepted, answered. Whatever fails
 * before the acceptance leaves nothing behind, and is cleared up before the answer is sent.
 */
export async function ingest(
  context: ApiContext,
  call: UploadCall,
  lane: Lane,
  { atomic }: { readonly atomic: boolean },
): Promise<void> {
  const { admission, taken } = await receive(context, call, lane, atomic)
  exchangeOf(call.response).jobId = taken.job.jobId
  await reply(context, call, { ...taken, waitMs: admission.waitMs })
}

/** It is under way until it is accepted, and not while its client waits for the delivery. */
async function receive(context: ApiContext, call: UploadCall, lane: Lane, atomic: boolean) {
  using _upload = context.uploads.begin(call.tenant)
  const admission = await admit(context, call, atomic)
  await lane.check(admission)
  return { admission, taken: await take(context, call, lane, admission) }
}

interface Taken {
  readonly job: Job
  readonly files: readonly PlacedFile[]
  readonly replayed: boolean
}

async function take(context: ApiContext, call: UploadCall, lane: Lane, admission: Admission): Promise<Taken> {
  const { spool, config } = context
  const intakeLimits = { files: lane.files, fileBytes: config.limits.fileBytes }
  await using key = await claimKey(context, call.tenant, call.request)
  if (key?.before !== undefined) {
    const files = await place(context, lane, admission, new Intake(undefined, intakeLimits))
    return { job: await jobBefore(context, call, key.before, files), files, replayed: true }
  }
  await using pack = await spool.create(newId(), {
    expectedBytes: admission.length ?? 0,
    ownsChunks: true,
  })
  const files = await place(context, lane, admission, new Intake(pack, intakeLimits))
  await context.catalog.uploads.checkPaths(
    admission.run.runId,
    files.map(({ path, type }) => (type === 'directory' ? `${path}/` : path)),
  )
  await pack.seal()
  const job = await accept(context, admission, pack, files, key)
  countAccepted(context, call, files)
  return { job, files, replayed: false }
}

async function place(
  context: ApiContext,
  lane: Lane,
  admission: Admission,
  intake: Intake,
): Promise<readonly PlacedFile[]> {
  const files = settlePaths(await lane.receive(admission, intake))
  if (files.length === 0) throw new LadingError('no_file', 'the archive has no entry; send at least one file')
  const location = { scheme: context.config.locations.scheme.scheme, ...admission.run.location }
  for (const { path } of files) {
    checkPathSize(path, context.config.limits)
    formatKey(location, path)
  }
  return files
}

/** A pack that surely was not accepted is removed; where it may have been, reconciliation finds out. */
async function accept(
  { catalog, spool }: ApiContext,
  { run, job }: Admission,
  pack: PackWriter,
  files: readonly PlacedFile[],
  key: ClaimedKey | undefined,
): Promise<Job> {
  try {
    return await catalog.uploads.accept({
      run,
      spoolId: spool.id,
      pack: { packId: pack.packId, bytes: pack.position },
      job,
      files,
      idempotency: key && { key: key.key, holder: key.holder, content: fingerprintOf(files) },
    })
  } catch (error) {
    if (error instanceof LadingError && error.code !== 'catalog_unavailable') await spool.remove(pack.packId)
    throw error
  }
}

async function jobBefore(
  { catalog }: ApiContext,
  { tenant }: UploadCall,
  before: NonNullable<ClaimedKey['before']>,
  files: readonly PlacedFile[],
): Promise<Job> {
  if (before.content !== fingerprintOf(files)) {
    throw new LadingError(
      'idempotency_key_reused',
      'Idempotency-Key: this key belongs to a request with other files',
    )
  }
  const job = await catalog.jobs.get(tenant, before.jobId)
  if (job === undefined)
    throw new LadingError('job_not_found', 'the job that this Idempotency-Key brought is gone')
  return job
}

function countAccepted({ meters }: ApiContext, { response }: UploadCall, files: readonly PlacedFile[]): void {
  meters.acceptedFiles.inc(files.length)
  meters.acceptedBytes.inc(files.reduce((sum, file) => sum + file.size, 0))
  meters.acceptSeconds.observe((performance.now() - exchangeOf(response).startedAt) / 1000)
}
