import type { Job } from '@lading/catalog'
import { formatKey, newId, type PackWriter } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import { checkPathSize } from '../path-limits.ts'
import { type Admission, admit, type UploadCall } from './admission.ts'
import { Arrivals, type Arrived } from './arrivals.ts'
import { beginUpload } from './begin-upload.ts'
import { type ClaimedKey, claimKey } from './idempotency.ts'
import { Intake } from './intake.ts'
import type { Lane, PlacedFile } from './lane.ts'
import { type Contents, lookThrough } from './look-through.ts'
import { reply } from './reply.ts'
import { roomOf } from './room.ts'

/**
 * The way of an upload, whose job is `atomic` unless the request says otherwise: admitted by its head, read into a pack,
 * checked, sealed, accepted (which refuses a path that clashes with another of the run), answered. Whatever fails before
 * the acceptance leaves nothing behind, and is cleared up before the answer is sent.
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
  await using _upload = await beginUpload(context, call)
  const admission = await admit(context, call, atomic)
  await lane.check(admission)
  return { admission, taken: await take(context, call, lane, admission) }
}

interface Taken {
  readonly job: Job
  readonly contents: Contents
  readonly replayed: boolean
}

async function take(context: ApiContext, call: UploadCall, lane: Lane, admission: Admission): Promise<Taken> {
  const { spool, catalog, config } = context
  const limits = { files: lane.files, fileBytes: config.limits.fileBytes }
  await using key = await claimKey(context, call.tenant, call.request)
  await using arrivals = new Arrivals(catalog.uploads, call.tenant)
  if (key?.before !== undefined) {
    const arrived = await read(lane, admission, new Intake(undefined, arrivals, limits))
    const contents = await lookThrough(arrived, (page) => checkKeys(context, admission, page))
    return { job: await jobBefore(context, call, key.before, contents), contents, replayed: true }
  }
  const room = await roomOf(catalog.quotas, call.tenant)
  const { length = 0 } = admission
  room?.check({ objects: 1, bytes: lane.isFile ? length : 0 }, length)
  await using pack = await spool.create(newId(), {
    expectedBytes: length,
    ownsChunks: true,
  })
  const arrived = await read(lane, admission, new Intake(pack, arrivals, { ...limits, room }))
  const contents = await lookThrough(arrived, (page) => checkKeys(context, admission, page))
  await pack.seal()
  const job = await accept(context, admission, pack, arrived, contents, key)
  countAccepted(context, call, contents)
  return { job, contents, replayed: false }
}

async function read(lane: Lane, admission: Admission, intake: Intake): Promise<Arrived> {
  await lane.receive(admission, intake)
  const arrived = await intake.arrivals.settle()
  if (arrived.files === 0)
    throw new LadingError('no_file', 'the archive has no entry; send at least one file')
  return arrived
}

/** Fails with `path_invalid` for a path whose object would have too long a key. */
function checkKeys({ config }: ApiContext, { run }: Admission, page: readonly PlacedFile[]): void {
  const location = { scheme: config.locations.scheme.scheme, ...run.location }
  for (const { path } of page) {
    checkPathSize(path, config.limits)
    formatKey(location, path)
  }
}

/** A pack that surely was not accepted is removed; where it may have been, reconciliation finds out. */
async function accept(
  { catalog, spool }: ApiContext,
  { run, job }: Admission,
  pack: PackWriter,
  arrived: Arrived,
  { fingerprint }: Contents,
  key: ClaimedKey | undefined,
): Promise<Job> {
  try {
    return await catalog.uploads.accept({
      run,
      spoolId: spool.id,
      pack: { packId: pack.packId, bytes: pack.position },
      job,
      files: arrived.source,
      idempotency: key && { key: key.key, holder: key.holder, content: fingerprint },
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
  { fingerprint }: Contents,
): Promise<Job> {
  if (before.content !== fingerprint) {
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

function countAccepted({ meters }: ApiContext, { response }: UploadCall, { files, bytes }: Contents): void {
  meters.acceptedFiles.inc(files)
  meters.acceptedBytes.inc(bytes)
  meters.acceptSeconds.observe((performance.now() - exchangeOf(response).startedAt) / 1000)
}
