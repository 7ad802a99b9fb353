import type { ArtifactPath, Crc32, FileState, JobState, Sha256Hex, TenantId } from '@lading/core'
import type { ErrorCode } from '@lading/protocol'

/** Where the artifacts of an experiment or run lie. `prefix` is empty or ends with a slash. */
export interface Location {
  readonly bucket: string
  readonly prefix: string
}

export interface Experiment {
  readonly experimentId: string
  readonly tenantId: string
  readonly name: string
  readonly location: Location
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly deletedAt: Date | undefined
}

export const RUN_STATUSES = ['RUNNING', 'FINISHED', 'FAILED', 'KILLED'] as const
export type RunStatus = (typeof RUN_STATUSES)[number]

/** A run, and whose it is. */
export type RunRef = Pick<Run, 'runId' | 'tenantId'>

export interface Run {
  readonly runId: string
  readonly tenantId: TenantId
  readonly experimentId: string
  readonly name: string
  readonly status: RunStatus
  readonly location: Location
  readonly startedAt: Date
  readonly endedAt: Date | undefined
}

export interface Job {
  readonly jobId: string
  readonly tenantId: string
  readonly runId: string
  readonly state: JobState
  readonly files: {
    readonly total: number
    readonly stored: number
    readonly failed: number
    readonly superseded: number
    readonly cancelled: number
  }
  /** Bytes. `done` counts the parts of unfinished files too. */
  readonly bytes: { readonly total: number; readonly done: number }
  /** The first error, with the file it befell. */
  readonly error:
    | { readonly code: ErrorCode; readonly detail: string; readonly path: string | undefined }
    | undefined
  readonly createdAt: Date
  readonly startedAt: Date | undefined
  readonly endedAt: Date | undefined
  readonly cancelRequested: boolean
  /** `delete`: its files are objects that are deleted, and counted as stored when they are gone. */
  readonly kind: 'upload' | 'delete'
  /** Shows its artifacts at one instant, when all are delivered. */
  readonly atomic: boolean
  /** Of a job that was opened: added before every path that is added to it. */
  readonly directory: string
  readonly shards: number | undefined
  readonly deadline: Date | undefined
  readonly sealedAt: Date | undefined
}

export interface JobFile {
  readonly fileId: string
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly sha256: Sha256Hex
  readonly state: FileState
  readonly error: { readonly code: ErrorCode; readonly detail: string } | undefined
  readonly endedAt: Date | undefined
}

export interface Artifact {
  readonly runId: string
  readonly tenantId: TenantId
  readonly path: ArtifactPath
  /** Bytes. */
  readonly size: number
  readonly sha256: Sha256Hex
  readonly crc32: Crc32
  readonly bucket: string
  readonly key: string
  /** The object's own ETag in the store. */
  readonly etag: string
  /** Unix permission bits and time of modification, where an archive brought them. */
  readonly mode: number | undefined
  readonly mtime: Date | undefined
  readonly jobId: string
  readonly storedAt: Date
  /** `replacing`: a newer file is being written over it; its object may no longer be this one. */
  readonly state: 'stored' | 'replacing'
  /** When its object was last read back and compared. */
  readonly verifiedAt: Date | undefined
  /** What was found wrong with the object, and when that was first seen. */
  readonly rot: { readonly is: Rot; readonly since: Date } | undefined
}

/** `missing`: there is no object any more. `damaged`: it holds other bytes. */
export type Rot = 'missing' | 'damaged'

export interface DirectoryEntry {
  readonly path: string
  readonly isDirectory: true
  /** Of a directory that came empty, in a deep list, as of an artifact. */
  readonly mode?: number | undefined
  readonly mtime?: Date | undefined
  readonly storedAt?: Date
}

/** One page of a list, and the cursor that continues after its last row. */
export interface Page<T> {
  readonly items: T[]
  readonly nextCursor: string | undefined
}

export interface PageRequest {
  /** Rows, 1 to 1,000. */
  readonly limit: number
  /** As a page gave it. Fails with `validation_failed` when it is not such. */
  readonly cursor: string | undefined
}
