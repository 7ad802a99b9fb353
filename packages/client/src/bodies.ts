/** What the server answers, as it names it. Held to the schemas of the API by a test. */

export type JobState = 'open' | 'queued' | 'running' | 'completed' | 'failed' | 'cancelled'
export type FileState = 'spooled' | 'uploading' | 'failed' | 'stored' | 'superseded' | 'cancelled'
export type RunStatus = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED'

export interface ExperimentBody {
  experiment_id: string
  name: string
  artifact_location: string
  created_at: string
  updated_at: string
  deleted_at: string | null
}

export interface RunBody {
  run_id: string
  experiment_id: string
  name: string
  status: RunStatus
  artifact_uri: string
  started_at: string
  ended_at: string | null
}

/** What a token of a run may be allowed. */
export type TokenScope = 'read' | 'write' | 'delete'

export interface TokenBody {
  /** As `apiKey`; it cannot be shown again. */
  token: string
  run_id: string
  scopes: TokenScope[]
  expires_at: string
}

export interface JobError {
  code: string
  title: string
  detail: string
  /** The file it befell. */
  path?: string | undefined
  retryable: boolean
}

export interface Job {
  job_id: string
  run_id: string
  kind: 'upload' | 'delete'
  state: JobState
  atomic: boolean
  artifact_path: string
  shards: number | null
  files: {
    total: number
    done: number
    stored: number
    failed: number
    superseded: number
    cancelled: number
  }
  /** Bytes. */
  bytes: { total: number; done: number }
  cancel_requested: boolean
  error?: JobError | undefined
  created_at: string
  started_at: string | null
  ended_at: string | null
  sealed_at: string | null
  deadline: string | null
  status_url: string
  files_url: string
}

export interface JobFile {
  file_id: string
  path: string
  size: number
  sha256: string
  state: FileState
  error?: Omit<JobError, 'path'> | undefined
  ended_at: string | null
}

export interface ArtifactFile {
  path: string
  is_dir: false
  /** Bytes. */
  size: number
  sha256: string
  type: string
  content_type: string
  uri: string
  etag: string
  state: 'stored' | 'replacing'
  job_id: string
  stored_at: string
  /** When its bytes were last read back and compared. */
  verified_at?: string | undefined
  /** What was found wrong with its object then. */
  rot?: 'missing' | 'damaged' | undefined
  rotted_at?: string | undefined
  mode?: number | undefined
  mtime?: string | undefined
}

export interface ArtifactDirectoryEntry {
  path: string
  is_dir: true
}

export interface Accepted {
  message: string
  run_id: string
  artifact: string
  artifacts: string[]
  files: number
  bytes: number
  job_id: string
  status_url: string
  state: JobState
}

/** A refusal (RFC 9457). */
export interface Problem {
  type: string
  title: string
  status: number
  /** Stable; what programs compare. */
  code: string
  detail: string
  instance: string
  request_id: string
  retryable: boolean
  job_id?: string | undefined
  status_url?: string | undefined
  /** Of `quota_exceeded` and `backlog_full`. */
  quota?: ProblemQuota | undefined
  checks?: Record<string, string> | undefined
}

/** What the tenant has of what it may have, and how much more was asked for. */
export interface ProblemQuota {
  of: 'bytes' | 'objects' | 'spooled_bytes'
  used: number
  allowed: number
  asked: number
}
