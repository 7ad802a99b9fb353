import type { ArtifactDirectoryEntry, ArtifactFile, FileState, JobState, TokenScope } from './bodies.ts'
import type { Bytes, Source } from './source.ts'

export interface LadingOptions {
  /** As `http://localhost:8080`. */
  readonly url: string
  /** Left out: the server's default tenant. */
  readonly tenant?: string
  /** A key, a token of an issuer, or a token of a run; sent as `Authorization: Bearer`. */
  readonly apiKey?: string
  /** Times that a request is sent again, when it may succeed so. 5. */
  readonly retries?: number
  /** Milliseconds before the first of them; twice as many before each next, and less by lot. 200. */
  readonly retryDelayMs?: number
  /** Bytes from which a file goes in pieces that can be resumed. 16 MiB. */
  readonly resumableFrom?: number
  /** Bytes of such a piece. 128 MiB of a file of the disk, 32 MiB of a blob. */
  readonly pieceBytes?: number
  readonly fetch?: typeof fetch
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface Progress {
  /** Bytes that the server has, or that are on their way to it; of a download, that have come. Fewer, when it goes back to what is kept. */
  readonly sent: number
  /** Undefined: it is not known, as that of a stream. */
  readonly total: number | undefined
  /** Of a directory: files that have been sent. */
  readonly files?: number
  /** Of a directory: those of them, and their bytes, that the server had already. */
  readonly held?: { readonly files: number; readonly bytes: number }
}

export interface UploadOptions extends CallOptions {
  /** An open job to add to; paths are then below its directory. */
  readonly jobId?: string
  readonly onProgress?: (progress: Progress) => void
  /** Seconds that the answer waits for delivery. 0: it comes when the bytes are kept. */
  readonly waitSeconds?: number
  /**
   * 1 to 200 printable characters of ASCII. The same key is the same upload, in another process too: a large file goes on
   * where it stood, and what was accepted already is not sent again. Left out: each call is an upload of its own.
   */
  readonly idempotencyKey?: string
}

export interface DirectoryOptions extends Omit<UploadOptions, 'waitSeconds'> {
  /** Of the run; its root when it is left out. */
  readonly directory?: string
  /** Show none of the files before all are delivered. True when it is left out. */
  readonly atomic?: boolean
  /** Do not send what the run holds as it is, by its SHA-256. False when it is left out. */
  readonly onlyNeeded?: boolean
}

export interface TokenOptions extends CallOptions {
  /** 60 to 604,800, which is 7 days; an hour when it is left out. */
  readonly ttlSeconds?: number
  /** `read` and `write`, as far as the caller has them, when they are left out. */
  readonly scopes?: readonly TokenScope[]
}

export interface OpenJobOptions extends CallOptions {
  /** Of the run, for all files of the job; its root when it is left out. */
  readonly directory?: string
  /** Show none of the files before the job is sealed and all are delivered. True when it is left out. */
  readonly atomic?: boolean
  /** The job is sealed when each of the shards 0 to `shards` - 1 is. */
  readonly shards?: number
  /** When it fails, if it is not sealed by then. */
  readonly deadlineSeconds?: number
  /** All who come with the same key get the same job. */
  readonly idempotencyKey?: string
}

export interface DownloadOptions extends CallOptions {
  readonly onProgress?: (progress: Progress) => void
  /** Bytes that are here already, from the first on: those after them are fetched, and the SHA-256 is that of all. */
  readonly have?: Pick<Source, 'size' | 'stream'>
  /** Of the artifact that is wanted; another one fails with `precondition_failed`. */
  readonly etag?: string
}

export interface RangeOptions extends CallOptions {
  /** The first byte. */
  readonly start: number
  /** The byte after the last one. */
  readonly end: number
  /** Of the artifact that is wanted; another one fails with `precondition_failed`. */
  readonly etag?: string
}

/** What is known of an artifact without its bytes. */
export interface ArtifactHead {
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly sha256: string
  readonly etag: string
}

export interface ListOptions extends CallOptions {
  /** A directory of the run; the root when it is left out. */
  readonly path?: string
  /** All files below it, instead of what lies directly in it. */
  readonly recursive?: boolean
}

export interface ListJobsOptions extends CallOptions {
  /** Of this run only. */
  readonly runId?: string
  readonly state?: JobState
}

export interface ListJobFilesOptions extends CallOptions {
  readonly state?: FileState
}

export type Artifact = ArtifactFile | ArtifactDirectoryEntry

/** A file of a directory that is logged. */
export interface FileToLog {
  /** In that directory, with slashes. With a slash at its end and no bytes, it is a directory that is empty. */
  readonly path: string
  /** Where it is a function, it is asked when it is the file's turn. */
  readonly bytes?: Bytes | (() => Bytes | Promise<Bytes>)
  /** Unix permission bits, as 0o644. Kept of files of up to 1 MiB, which travel as tar. */
  readonly mode?: number
  /** Kept as `mode` is. */
  readonly modifiedAt?: Date
}
