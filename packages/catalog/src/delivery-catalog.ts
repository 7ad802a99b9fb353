import type { Candidate, Crc32, ObjectRef, PartReceipt, Sha256Hex, Ticket } from '@lading/core'
import type { ErrorCode } from '@lading/protocol'
import type { Artifact, Rot } from './model.ts'
import type { Orphans } from './orphans.ts'

/**
 * What dispatching and delivering ask of the catalog. Statements that change the state of work carry the epoch of its
 * lease, and do nothing when it has passed. All are safe to repeat, and fail with `catalog_unavailable` when
 * Postgres cannot be reached in time.
 */
export interface DeliveryCatalog {
  readonly leadership: Leaderships
  readonly workers: Workers
  readonly backlog: Backlog
  readonly leases: Leases
  readonly delivery: Deliveries
  readonly ledger: Ledger
  readonly sweeps: Sweeps
  readonly staging: Staging
  readonly packs: Packs
  readonly scrubs: Scrubs
  readonly orphans: Orphans
  check(): Promise<void>
}

export interface Leaderships {
  /** Takes the one leadership if it is free. It lasts as long as its connection: `signal` fires when that is lost. */
  tryTake(): Promise<Leadership | undefined>
}

export interface Leadership extends AsyncDisposable {
  readonly signal: AbortSignal
}

export interface Workers {
  /** Says that the worker lives, which routes it serves, and how many tickets it takes at once. */
  seen(worker: { workerId: string; routes: readonly string[]; slots: number }): Promise<void>
  gone(workerId: string): Promise<void>
  /** Slots of all workers seen in the last `withinMs`, by route. */
  slots(withinMs: number): Promise<Map<string, number>>
}

export interface Backlog {
  /** Tickets out, by tenant. */
  held(route: string): Promise<Map<string, number>>
  /** For each tenant of the route with work that is due, its oldest `perTenant`, in their order. */
  candidates(route: string, perTenant: number): Promise<Candidate[]>
  /** Leases those that are still ready, each under a new epoch. Tickets in the order of the ids. */
  lease(workIds: readonly string[], leaseMs: number): Promise<Ticket[]>
  /** Leased more than `olderThanMs` ago, and taken by no worker yet. */
  untaken(route: string, olderThanMs: number): Promise<Ticket[]>
  /** Back to ready, without having cost an attempt: their tickets were lost, or could not be queued. */
  unlease(tickets: readonly Ticket[]): Promise<number>
  /**
   * Leases that ran out go back to ready; with `all`, every lease, at the start of a process that has the database to
   * itself: whoever held them is gone. How many.
   */
  expire(which?: { readonly all: boolean }): Promise<number>
  /** Ready work of the route that is older than that, by id, oldest first. */
  overdue(route: string, olderThanMs: number, limit: number): Promise<string[]>
  /** Routes that have ready work. */
  routes(): Promise<string[]>
  /** Ready and leased work by route, for the gauges. */
  depth(): Promise<
    { route: string; state: 'ready' | 'leased'; items: number; bytes: number; oldestAgeMs: number }[]
  >
}

/** A file as its worker gets it. */
export interface DeliverableFile {
  readonly fileId: string
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly sha256: Sha256Hex
  readonly crc32: Crc32
  readonly blockCrcs: Buffer
  /** Undefined: it is to be copied from an equal artifact of the tenant. */
  readonly packId: string | undefined
  readonly packOffset: number
  readonly object: ObjectRef
  /** An empty directory: nothing is to be sent. */
  readonly isDirectory: boolean
  /** A multipart upload that was begun before; `uploadId` undefined: its id may have been lost. */
  readonly upload: { readonly uploadId: string | undefined; readonly partSize: number } | undefined
}

export interface TakenWork {
  readonly ticket: Ticket
  readonly jobId: string
  readonly tenantId: string
  /** Counting this one. */
  readonly attempts: number
  readonly expiries: number
  readonly ageMs: number
  readonly cancelRequested: boolean
  /** Files still to be delivered. */
  readonly files: readonly DeliverableFile[]
}

export interface Leases {
  /** Takes the work of a ticket, once. Undefined: the epoch has passed, or was taken before. */
  take(ticket: Ticket, workerId: string, leaseMs: number): Promise<TakenWork | undefined>
  /** Extends the leases. What is no longer held is missing from the answer. */
  heartbeat(tickets: readonly Ticket[], leaseMs: number): Promise<HeldWork[]>
  /** Back to ready after `delayMs`. `burn` false gives the attempt back. */
  handBack(
    ticket: Ticket,
    reason: { delayMs: number; burn: boolean; error?: { code: ErrorCode; detail: string } },
  ): Promise<void>
}

export interface HeldWork {
  readonly workId: string
  readonly cancelRequested: boolean
  /** Files of it for whose paths a newer file was accepted. */
  readonly supersededFiles: readonly string[]
}

/** May the file's object be written? */
export type Beginning =
  /** Yes. `replaces`: the object that is known to lie there, of an artifact that is replaced or was deleted. */
  | {
      readonly fileId: string
      readonly verdict: 'go'
      /** Its own key, or a staging key while its own still holds what is shown. */
      readonly object: ObjectRef
      readonly replaces: { readonly etag: string } | undefined
    }
  /** No: a newer file was accepted for its path. */
  | { readonly fileId: string; readonly verdict: 'superseded' }
  /** Not yet: another writer of the key is alive. */
  | { readonly fileId: string; readonly verdict: 'wait' }
  /** Once the upload that its dead writer left is aborted, and that file is settled as superseded. */
  | { readonly fileId: string; readonly verdict: 'clear'; readonly leftBy: LeftUpload }

export interface LeftUpload {
  readonly fileId: string
  readonly object: ObjectRef
  /** Whether it has a row in the ledger. */
  readonly begun: boolean
  readonly uploadId: string | undefined
}

export type Outcome =
  | { readonly fileId: string; readonly state: 'stored'; readonly object: ObjectRef; readonly etag: string }
  | { readonly fileId: string; readonly state: 'failed'; readonly code: ErrorCode; readonly detail: string }
  | { readonly fileId: string; readonly state: 'superseded' | 'cancelled' }

export interface Settled {
  /** Files that this call moved. Fewer than it was given: the lease had passed, or they were settled before. */
  readonly moved: number
  /** The pack, when no file needs it any more. */
  readonly freePacks: readonly string[]
  /** The atomic job that is now to be published. */
  readonly publish: string | undefined
}

export interface Deliveries {
  /**
   * Asks for each file's object, in one transaction; files that may go are `uploading` afterwards, and their keys
   * theirs alone. Files that have ended are missing from the answer. Fails with `lease_lost` when the epoch has passed.
   */
  begin(ticket: Ticket, fileIds: readonly string[]): Promise<Beginning[]>
  /**
   * The commit: files to their states, artifacts inserted, the job's counters moved by the files that really moved,
   * in one statement that can be repeated. The work is done with its last file; without any outcome, too.
   */
  settle(ticket: Ticket, outcomes: readonly Outcome[]): Promise<Settled>
  /** Some artifacts of the file's tenant, in the file's bucket, that have its bytes by what the catalog says. */
  copySources(fileId: string): Promise<CopySource[]>
  /**
   * Shows all artifacts of an atomic job at this instant and completes it, if it is sealed and all its files have been
   * delivered; else does nothing. Files for whose paths newer ones were accepted are not shown.
   */
  publish(jobId: string): Promise<void>
  /** Settles a file that a dead writer left, after its upload was aborted. Nothing when it is held again, or has ended. */
  settleLeft(fileId: string): Promise<void>
}

export interface CopySource {
  readonly object: ObjectRef
  readonly etag: string
}

export interface Ledger {
  /** Before an upload is begun: that it may be. Keeps the part size of an earlier intention. */
  intend(file: { fileId: string; jobId: string; object: ObjectRef; partSize: number }): Promise<void>
  /** The upload's id, before it is relied on. Fails with `lease_lost` when another's was recorded, or the file has ended. */
  began(fileId: string, uploadId: string): Promise<void>
  parts(fileId: string, uploadId: string, parts: readonly PartReceipt[]): Promise<void>
  /** The id is of no use any more (the store has forgotten it); the intention stays. */
  forget(fileId: string): Promise<void>
  knownUploadIds(object: ObjectRef): Promise<Set<string>>
}

export interface Sweeps {
  /** Adds up what changed of tenants' usage; how many changes there were. */
  addUpUsage(): Promise<number>
  /** Uploads whose files have ended, and that can be aborted now. */
  strandedUploads(limit: number): Promise<LeftUpload[]>
  dropUpload(fileId: string): Promise<void>
  /** Artifacts marked as being replaced, that nobody is replacing. */
  doubtfulArtifacts(limit: number): Promise<DoubtfulArtifact[]>
  /**
   * The object was proven to be the artifact's (`true`) or is another or absent (`false`: the row goes). Does nothing
   * when a writer has come since the artifact was given out: what was proven says nothing then.
   */
  resolveDoubt(artifact: DoubtfulArtifact, stillTrue: boolean): Promise<void>
  /**
   * Objects to be deleted, each leased to the caller: no file is let at its key meanwhile, so the caller must give up
   * before the lease runs out.
   */
  takeDeletions(limit: number, leaseMs: number): Promise<Deletion[]>
  deletionDone(deletion: Deletion): Promise<void>
  deletionFailed(deletion: Deletion, detail: string, delayMs: number): Promise<void>
  /** Atomic jobs of which all is delivered and nothing shown: their worker died in between. */
  publishable(limit: number): Promise<string[]>
  /** Fails open jobs whose deadline has passed, by the names of the missing shards or the number of missing files. */
  failOverdueJobs(): Promise<number>
  /** Ends jobs that have nothing left to do, and that a killed process did not end. How many. */
  endJobs(): Promise<number>
  forgetIdempotencyKeys(olderThanMs: number): Promise<number>
  /** Forgets the files of requests whose API has given no sign for this long (milliseconds). */
  forgetArrivals(olderThanMs: number): Promise<void>
  forgetWorkers(olderThanMs: number): Promise<void>
}

/** Reading back what was delivered: it was proven once, and disks forget. */
export interface Scrubs {
  /** The beginning of a pass over what was last read or proven more than `olderThanMs` ago, of all runs or `only` some. */
  begin(olderThanMs: number, only: { readonly tenant?: string; readonly runId?: string }): Promise<ScrubPlace>
  /** What comes next in the pass, what was not read for longest first. None: the pass is over. */
  due(place: ScrubPlace, limit: number): Promise<ScrubbedArtifact[]>
  /**
   * The object was read whole, and is the artifact's, under this ETag; or it is not. Whether that was noted: it says
   * nothing of an artifact that was deleted, replaced or moved since it was given out, or that a writer was let at.
   */
  found(artifact: ScrubbedArtifact, now: { readonly etag: string } | { readonly rot: Rot }): Promise<boolean>
  /** How many artifacts are marked as rotted, and for how long that of them all was not read which waits longest. */
  summary(): Promise<{ rotted: number; oldestAgeMs: number }>
}

/** Where a pass stands. Times are texts of Postgres: a `Date` has no microseconds. */
export interface ScrubPlace {
  readonly before: string
  readonly only: { readonly tenant?: string; readonly runId?: string }
  readonly lastSeen: string
  readonly runId: string
  readonly path: string
}

export interface ScrubbedArtifact {
  readonly runId: string
  readonly path: string
  readonly tenantId: string
  readonly fileId: string
  /** Bytes. */
  readonly size: number
  readonly sha256: Sha256Hex
  readonly object: ObjectRef
  readonly etag: string
  readonly writers: number
  /** To go on after it. */
  readonly place: ScrubPlace
}

/** An artifact of which it is not known whether a writer that was given up has overwritten it. */
export interface DoubtfulArtifact extends Omit<Artifact, 'tenantId' | 'verifiedAt' | 'rot'> {
  /** Writers that were let at its object so far. */
  readonly writers: number
}

/** What atomic jobs have delivered beside the run's artifacts, because earlier ones were still shown there. */
export interface Staging {
  /** Objects of shown artifacts that are to be moved to their own keys; for `leaseMs` nobody else writes these. */
  takeMoves(limit: number, leaseMs: number): Promise<Move[]>
  /** The copy is proven: the artifact is the object at its own key from now on. Nothing when the lease has passed. */
  moved(move: Move, etag: string): Promise<void>
  /** Objects that nothing needs: moved, superseded, or of jobs that failed more than `olderThanMs` ago. */
  useless(olderThanMs: number, limit: number): Promise<{ fileId: string; object: ObjectRef }[]>
  forget(fileId: string): Promise<void>
  /** Gives up delivered files of jobs that failed more than `olderThanMs` ago; their objects are then to be deleted. */
  expireUnpublished(olderThanMs: number, limit: number): Promise<number>
}

export interface Move {
  readonly fileId: string
  readonly path: string
  readonly facts: { readonly size: number; readonly sha256: Sha256Hex; readonly crc32: Crc32 }
  readonly from: ObjectRef
  readonly to: ObjectRef
}

export interface Deletion {
  readonly deletionId: string
  readonly runId: string
  readonly path: string
  readonly object: ObjectRef
  /**
   * What the object must be to be deleted: that of the deleted artifact by its ETag, or what a file that was given up
   * may have left, by what its bytes are. Another is not Lading's to delete.
   */
  readonly onlyIf:
    | { readonly etag: string }
    | { readonly size: number; readonly sha256: Sha256Hex; readonly crc32: Crc32 }
  /** Counting this one. */
  readonly attempts: number
}

export interface Packs {
  /** Of these packs, what the catalog says: `needed` (a file or resumable upload needs it), `free`, or `unknown`. */
  status(packIds: readonly string[]): Promise<Map<string, 'needed' | 'free' | 'unknown'>>
  /** Forgets resumable uploads that have expired, complete or not. How many. */
  forgetResumable(spoolId: string): Promise<number>
  /** Gives up failed files' claim on packs whose jobs ended more than `olderThanMs` ago. The packs to drop. */
  expired(spoolId: string, olderThanMs: number, limit: number): Promise<string[]>
  dropped(packIds: readonly string[]): Promise<void>
}
