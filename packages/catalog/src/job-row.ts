import type { JobState } from '@lading/core'
import type { ErrorCode } from '@lading/protocol'
import type { Job } from './model.ts'

/** A row of `jobs`, all columns. */
export interface JobRow {
  jobId: string
  tenantId: string
  runId: string
  state: JobState
  filesTotal: number
  filesStored: number
  filesFailed: number
  filesSuperseded: number
  filesCancelled: number
  bytesTotal: number
  bytesDone: number
  errorCode: ErrorCode | null
  errorDetail: string | null
  errorPath: string | null
  createdAt: Date
  startedAt: Date | null
  endedAt: Date | null
  cancelRequestedAt: Date | null
  kind: 'upload' | 'delete'
  atomic: boolean
  directory: string
  shards: number | null
  expectedFiles: number | null
  deadline: Date | null
  sealedAt: Date | null
  /** Bytes of parts that unfinished files have delivered; absent where a statement did not ask. */
  bytesInParts?: number | null
}

export function jobFromRow(row: JobRow): Job {
  return {
    jobId: row.jobId,
    tenantId: row.tenantId,
    runId: row.runId,
    state: row.state,
    files: {
      total: row.filesTotal,
      stored: row.filesStored,
      failed: row.filesFailed,
      superseded: row.filesSuperseded,
      cancelled: row.filesCancelled,
    },
    bytes: { total: row.bytesTotal, done: Math.min(row.bytesTotal, row.bytesDone + (row.bytesInParts ?? 0)) },
    error:
      row.errorCode === null
        ? undefined
        : { code: row.errorCode, detail: row.errorDetail ?? '', path: row.errorPath ?? undefined },
    createdAt: row.createdAt,
    startedAt: row.startedAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    cancelRequested: row.cancelRequestedAt !== null,
    kind: row.kind,
    atomic: row.atomic,
    directory: row.directory,
    shards: row.shards ?? undefined,
    deadline: row.deadline ?? undefined,
    sealedAt: row.sealedAt ?? undefined,
  }
}
