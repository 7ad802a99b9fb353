import type { ArtifactPath, Crc32, FileState, JobState, Sha256Hex, TenantId } from '@lading/core'
import type { ApiKeys } from './api-keys.ts'
import type {
  Artifact,
  DirectoryEntry,
  Experiment,
  Job,
  JobFile,
  Location,
  Page,
  PageRequest,
  Run,
  RunRef,
  RunStatus,
} from './model.ts'
import type { Quotas } from './quotas.ts'
import type { TokenSecret } from './token-secret.ts'

/**
 * What the API asks of the catalog, for a tenant: what is another's is as if it were not there. The statements say so, and
 * Postgres sees to it besides (docs/decisions/0017-tenant-walls.md). Only `Jobs.peek`, `keys` and `tokenSecret` are of all
 * tenants.
 * All fail with `catalog_unavailable` when Postgres cannot be reached in time.
 */
export interface ApiCatalog {
  readonly experiments: Experiments
  readonly runs: Runs
  readonly uploads: Accepts
  readonly jobs: Jobs
  readonly artifacts: Artifacts
  readonly idempotency: IdempotencyKeys
  readonly resumable: ResumableUploads
  readonly keys: ApiKeys
  readonly tokenSecret: TokenSecret
  readonly quotas: Quotas
  /** Fails when Postgres does not answer in time, or migrations are pending. */
  check(): Promise<void>
}

export interface Experiments {
  /** `location` undefined: derived from the experiment's id. Fails with `experiment_exists`, also when the other is deleted. */
  create(tenant: TenantId, given: { name: string; location: Location | undefined }): Promise<Experiment>
  get(tenant: TenantId, experimentId: string): Promise<Experiment | undefined>
  getByName(tenant: TenantId, name: string): Promise<Experiment | undefined>
  list(tenant: TenantId, page: PageRequest & { deleted: boolean }): Promise<Page<Experiment>>
  /** Marks it deleted; its runs and artifacts stay as they are. Twice is success. Undefined: no such experiment. */
  delete(tenant: TenantId, experimentId: string): Promise<Experiment | undefined>
  restore(tenant: TenantId, experimentId: string): Promise<Experiment | undefined>
}

export interface Runs {
  /**
   * Fails with `experiment_not_found`, `experiment_deleted`. `name` undefined: derived from the run's id. The same
   * `key` is the same run of the experiment, whatever else is given.
   */
  create(
    tenant: TenantId,
    given: { experimentId: string; name: string | undefined; key?: string | undefined },
  ): Promise<Run>
  get(tenant: TenantId, runId: string): Promise<Run | undefined>
  update(
    tenant: TenantId,
    runId: string,
    change: { status?: RunStatus; endedAt?: Date; name?: string },
  ): Promise<Run | undefined>
  listByExperiment(tenant: TenantId, experimentId: string, page: PageRequest): Promise<Page<Run>>
}

/** A file whose bytes lie in a sealed pack, or an empty directory, which has none. */
export interface AcceptedFile {
  readonly path: ArtifactPath
  readonly type: 'file' | 'directory'
  /** Unix permission bits and time of modification, as an archive has them. */
  readonly mode: number | undefined
  readonly mtime: Date | undefined
  /** Bytes. */
  readonly size: number
  readonly sha256: Sha256Hex
  readonly crc32: Crc32
  readonly blockCrcs: Buffer
  /** Offset of its first byte in the pack. */
  readonly packOffset: number
}

export interface Acceptance {
  readonly run: Run
  readonly spoolId: string
  readonly pack: { readonly packId: string; readonly bytes: number }
  /** A job of its own, or one that is open. */
  readonly job:
    | { readonly kind: 'new'; readonly atomic: boolean }
    | { readonly kind: 'open'; readonly jobId: string }
  /** At least one; no path twice. Or those of an arrival that was settled. */
  readonly files: readonly AcceptedFile[] | (Pick<Arrival, 'arrivalId'> & ArrivedSum)
  /** The key that this request holds, from `idempotency.begin`; kept with the job in the same transaction. */
  readonly idempotency:
    | { readonly key: string; readonly holder: string; readonly content: string }
    | undefined
  /** The resumable upload that the file came by, and the request that holds it. */
  readonly resumed?: { readonly uploadId: string; readonly holder: string }
}

export interface ArrivedSum {
  /** Files, and directories that nothing lies below. */
  readonly files: number
  readonly bytes: number
}

/** Two entries of a request that cannot both be: files of one path, or a file and what lies below its path. */
export interface PathClash {
  readonly kind: 'duplicate' | 'conflict'
  readonly path: string
  /** A directory's ends in a slash. */
  readonly other: string
}

/**
 * Files of a request that is still arriving, kept aside in pages because they are more than the API holds in memory.
 * Nobody else sees them. Disposing of it forgets them; those of a killed process are forgotten by the leader.
 */
export interface Arrival extends AsyncDisposable {
  readonly arrivalId: string
  /** Adds a page. Fails with `catalog_unavailable`. */
  add(files: readonly AcceptedFile[]): Promise<void>
  /**
   * Ends the adding: looks for paths that clash, and drops directories that something lies below, which are there by
   * that. Fails with `catalog_unavailable` where Postgres has lost some of it.
   */
  settle(): Promise<PathClash | ArrivedSum>
  /** Puts all paths below the directory. The caller has checked that they are good. */
  moveBelow(directory: ArtifactPath): Promise<void>
  /** What was added and not dropped, by path (bytewise). */
  pages(): AsyncIterable<readonly AcceptedFile[]>
}

export interface Accepts {
  /** Begins to keep the files of a request aside. */
  arrive(tenant: TenantId): Promise<Arrival>

  /**
   * Fails with `path_conflict` when a path of the request is a directory of the run, or lies below one of its files,
   * those that are not delivered or not shown yet among them. A directory's path ends in a slash here. The request's own clashes are the caller's to find.
   */
  checkPaths(run: RunRef, paths: readonly string[]): Promise<void>

  /**
   * The job, its pack, work items and files, and the new heads of their paths, in one transaction: when it returns,
   * the files are accepted. When it fails with `catalog_unavailable` they may have been accepted all the same (the
   * answer to COMMIT was lost): the pack must then be left to reconciliation. For an open job, fails with
   * `job_not_found` when the run has no such job, and `job_state_conflict` when it is sealed or ended. Fails with
   * `path_conflict` as `checkPaths` does; of two that clash with each other, only one is accepted. Fails with
   * `job_too_large` when the job would pass its limits.
   */
  accept(acceptance: Acceptance): Promise<Job>
}

/** What an open job waits for, besides being sealed. */
export interface OpenJob {
  /** Shows its artifacts at one instant, when all are delivered. */
  readonly atomic: boolean
  /** Added before every path that is added to it; '' or without a slash at the end. */
  readonly directory: string
  /** Sealed by itself when each of the shards 0 to `shards` - 1 was sealed. */
  readonly shards: number | undefined
  /** Paths that it must have when it is sealed. */
  readonly expectedFiles: number | undefined
  /** When it fails, if it is still open then. */
  readonly deadline: Date | undefined
}

/** An idempotency key that a job is opened under. */
export interface OpeningKey {
  readonly key: string
  /** Method and target. */
  readonly request: string
  /** What identifies the job that is asked for. */
  readonly content: string
}

export interface Seal {
  /** The shard that is complete, of a job that has shards. */
  readonly shard: number | undefined
  /** How many files the job must have. */
  readonly files: number | undefined
  /** SHA-256 over a line `path TAB size TAB sha256 LF` for each file, by path (bytewise). */
  readonly manifestSha256: Sha256Hex | undefined
}

/** What a client has, of which it wants to know what is still needed. */
export interface PlannedFile {
  readonly path: ArtifactPath
  readonly size: number
  readonly sha256: Sha256Hex
}

export interface Planned {
  /** To be sent, in the order asked for. */
  readonly needed: readonly ArtifactPath[]
  /** How many were added to the job, to be copied by the store. */
  readonly copied: number
}

export interface Jobs {
  /**
   * Opens a job, to which any number of requests add until it is sealed. With a key, whoever comes with the same gets
   * the job that the first one opened; fails with `idempotency_key_reused` when that was another request, and with
   * `job_too_large` for a job that expects more files than one may have.
   */
  open(run: Run, job: OpenJob, key?: OpeningKey): Promise<Job>
  /**
   * Ends an open job, or one shard of it. Sealing again is success. Fails with `manifest_mismatch` when its files are
   * not those that were expected (it stays open), `validation_failed` for a shard that it has not,
   * `job_state_conflict` when it has ended otherwise.
   */
  seal(tenant: TenantId, jobId: string, seal: Seal): Promise<Job | undefined>
  /**
   * Which of these files the client is to send, whose paths are all different: not those that the job holds, or the run
   * as its newest at that path; nor, with `copy` and while the job is open, those whose bytes an artifact of the tenant
   * in the run's bucket has: these are added to the job, and the store copies them. Fails as adding files does, with
   * `path_conflict`, `job_too_large`, `job_state_conflict` and `quota_exceeded`. Undefined: the run has no such job.
   */
  plan(
    run: Run,
    jobId: string,
    files: readonly PlannedFile[],
    options: { readonly copy: boolean },
  ): Promise<Planned | undefined>
  get(tenant: TenantId, jobId: string): Promise<Job | undefined>
  /** Those of the ids that are the tenant's, in the order asked for. At most 1,000. */
  getMany(tenant: TenantId, jobIds: readonly string[]): Promise<Job[]>
  /** Newest first. */
  list(tenant: TenantId, filter: { runId?: string; state?: JobState }, page: PageRequest): Promise<Page<Job>>
  files(
    tenant: TenantId,
    jobId: string,
    filter: { state?: FileState },
    page: PageRequest,
  ): Promise<Page<JobFile>>
  /**
   * Asks that the job stop: what no worker holds is cancelled at once, the rest when its worker hears of it. A job
   * that has ended fails with `job_state_conflict`; one that is being cancelled is success.
   */
  cancel(tenant: TenantId, jobId: string): Promise<Job | undefined>
  /**
   * Queues a failed job's failed files again, while their packs are kept. Fails with `job_state_conflict` when the job
   * has not failed, `spool_lost` when the packs are gone, `path_conflict` when what was accepted since is in the way,
   * `quota_exceeded` when it has taken the room.
   */
  retry(tenant: TenantId, jobId: string): Promise<Job | undefined>
  /** Current states of jobs, whosever they are, for those who wait for them. Not for answers. */
  peek(jobIds: readonly string[]): Promise<Job[]>
}

export interface Artifacts {
  /** What lies directly in `directory` ('' is the root), files and directories by path (bytewise). */
  listLevel(run: RunRef, directory: string, page: PageRequest): Promise<Page<Artifact | DirectoryEntry>>
  /** All files below `directory`, and directories that came empty, by path (bytewise). */
  listDeep(run: RunRef, directory: string, page: PageRequest): Promise<Page<Artifact | DirectoryEntry>>
  /** The path of a directory that came empty ends in a slash. */
  get(run: RunRef, path: ArtifactPath | `${ArtifactPath}/`): Promise<Artifact | undefined>
  /** The row goes at once; its object is deleted afterwards, and retried until it is. False: there is none. */
  delete(run: RunRef, path: ArtifactPath): Promise<boolean>
  /**
   * The rows of all that lies below the directory, and its own, go at once; the job says how far their objects are
   * deleted. Undefined: nothing lies there.
   */
  deleteDirectory(run: Run, directory: ArtifactPath): Promise<Job | undefined>
}

/** Idempotency keys (IETF draft-ietf-httpapi-idempotency-key-header), per tenant. */
export interface IdempotencyKeys {
  /**
   * Takes the key for `request` (method and target, and what of the headers identifies the content). `begun`: this
   * request holds it, and must `renew` it (every third of `leaseMs`) until it is accepted or `release`d. `done`: it was
   * accepted as `jobId`, with that content. Fails with `idempotency_key_in_flight` (another holds it) and
   * `idempotency_key_reused` (it was used for another request).
   */
  begin(
    tenant: TenantId,
    key: string,
    request: string,
    holder: string,
    leaseMs: number,
  ): Promise<{ state: 'begun' } | { state: 'done'; jobId: string; content: string }>
  renew(tenant: TenantId, key: string, holder: string, leaseMs: number): Promise<void>
  release(tenant: TenantId, key: string, holder: string): Promise<void>
}

/** What is known of a resumable upload when it is made. */
export interface NewResumableUpload {
  readonly run: Run
  readonly path: ArtifactPath
  /** Bytes. */
  readonly size: number
  /** Of the whole file, as the client declares it. */
  readonly sha256: Sha256Hex | undefined
  /** The open job that the file is added to. */
  readonly jobId: string | undefined
  /** What the client said of it, as it said it. */
  readonly metadata: string
  readonly spoolId: string
  readonly idempotencyKey: string | undefined
}

/** A file that comes in several requests. Its id is the id of its pack, which grows in one spool. */
export interface ResumableUpload {
  readonly uploadId: string
  readonly tenantId: TenantId
  readonly runId: string
  readonly jobId: string | undefined
  readonly path: ArtifactPath
  readonly size: number
  readonly sha256: Sha256Hex | undefined
  readonly metadata: string
  readonly spoolId: string
  /** Bytes that are on the disk, and promised. */
  readonly received: number
  /** The job that it became when it was complete. */
  readonly acceptedJobId: string | undefined
  readonly expiresAt: Date
}

export interface ResumableUploads {
  /**
   * The upload; or, with the key of an earlier one, that one, whose digest may have been declared since. Fails with
   * `idempotency_key_reused` where that is of another file, and `too_many_uploads` when the tenant has `most` that are not complete. It expires `keepMs`
   * milliseconds after its last byte.
   */
  create(
    given: NewResumableUpload,
    limits: { most: number; keepMs: number },
  ): Promise<{ upload: ResumableUpload; replayed: boolean }>
  get(tenant: TenantId, uploadId: string): Promise<ResumableUpload | undefined>
  /** Makes one request the holder. It must `renew` every third of `leaseMs`. Undefined: another holds it, or it is gone. */
  take(
    tenant: TenantId,
    uploadId: string,
    holder: string,
    leaseMs: number,
  ): Promise<ResumableUpload | undefined>
  /** Promises bytes, and renews. False: the request no longer holds it. */
  record(
    tenant: TenantId,
    uploadId: string,
    holder: string,
    received: number,
    times: { leaseMs: number; keepMs: number },
  ): Promise<boolean>
  /** Notes the SHA-256 that the whole file must have. False: the request no longer holds it, or another one is noted. */
  declare(tenant: TenantId, uploadId: string, holder: string, sha256: Sha256Hex): Promise<boolean>
  renew(tenant: TenantId, uploadId: string, holder: string, leaseMs: number): Promise<void>
  release(tenant: TenantId, uploadId: string, holder: string): Promise<void>
  remove(tenant: TenantId, uploadId: string, holder: string): Promise<void>
}
