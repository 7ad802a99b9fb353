import { checkDirectory, checkPath } from './artifact-path.ts'
import type { Job, RunBody, RunStatus, TokenBody } from './bodies.ts'
import { logDirectory } from './directory.ts'
import { download, downloadRange } from './download.ts'
import { headOf } from './head.ts'
import { openJob } from './open-job.ts'
import type {
  Artifact,
  ArtifactHead,
  CallOptions,
  DirectoryOptions,
  DownloadOptions,
  FileToLog,
  ListOptions,
  OpenJobOptions,
  RangeOptions,
  TokenOptions,
  UploadOptions,
} from './options.ts'
import { pagesOf, queryOf } from './pages.ts'
import { type PlannedFile, plan } from './plan.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { logFile } from './send-file.ts'
import { type Source, sourceOf } from './source.ts'
import { sendStream } from './stream.ts'
import { Upload } from './upload.ts'

/**
 * A run: what is logged to it, and what it holds. Paths are relative to it, with slashes; one that cannot be
 * fails with `path_invalid` before anything is sent. What is logged is accepted when the call resolves: the server has
 * promised to deliver it, and the `Upload` tells when it did.
 */
export class Run {
  readonly id: string
  readonly #context: RunContext

  constructor(id: string, context: Omit<RunContext, 'address'>) {
    this.id = id
    this.#context = { ...context, address: `/api/v1/experiments/runs/${encodeURIComponent(id)}` }
  }

  get(options: CallOptions = {}): Promise<RunBody> {
    return this.#context.transport.json<RunBody>(this.#context.address, 'run_id', options)
  }

  /** `FINISHED` when it is left out. */
  finish(status: RunStatus = 'FINISHED', options: CallOptions = {}): Promise<RunBody> {
    const { address, transport } = this.#context
    return transport.post<RunBody>(address, 'run_id', { status }, { ...options, method: 'PATCH' })
  }

  /** A token that reaches this run and nothing else, for a job that is to have no key. */
  createToken({ ttlSeconds, scopes, ...call }: TokenOptions = {}): Promise<TokenBody> {
    const body = { ttl_seconds: ttlSeconds, scopes }
    const { address, transport } = this.#context
    return transport.post<TokenBody>(`${address}/tokens`, 'token', body, { ...call, repeatable: true })
  }

  /**
   * Logs a file: of the disk by `fileAt`, of a form in a browser as it is. A large one goes in pieces, and on where it
   * stood when the connection broke.
   */
  async logArtifact(path: string, file: Source, options: UploadOptions = {}): Promise<Upload> {
    return this.#upload(path, await logFile(this.#context, checkPath(path), file, options))
  }

  /** Logs many files as one job: those of a directory of the disk by `filesIn`. */
  async logArtifacts(
    files: Iterable<FileToLog> | AsyncIterable<FileToLog>,
    options: DirectoryOptions = {},
  ): Promise<Upload> {
    const directory = checkDirectory(options.directory ?? '')
    return this.#upload(directory, await logDirectory(this.#context, files, { ...options, directory }))
  }

  logBytes(path: string, bytes: Uint8Array | ArrayBuffer, options?: UploadOptions): Promise<Upload> {
    return this.logArtifact(path, sourceOf(bytes), options)
  }

  /** As UTF-8. */
  logText(path: string, text: string, options?: UploadOptions): Promise<Upload> {
    return this.logArtifact(path, new Blob([text]), options)
  }

  logJson(path: string, value: unknown, options?: UploadOptions): Promise<Upload> {
    return this.logText(path, `${JSON.stringify(value, null, 2)}\n`, options)
  }

  /**
   * Logs what a stream gives, of whatever length; it is sent once, and not again. Browsers do so over HTTP/2 only. What
   * was accepted is compared with what was sent: `digest_mismatch`.
   */
  async logStream(
    path: string,
    stream: ReadableStream<Uint8Array>,
    options: UploadOptions = {},
  ): Promise<Upload> {
    return this.#upload(path, await sendStream(this.#context, checkPath(path), stream, options))
  }

  /** A job that takes files, by `jobId`, until `jobs.seal` ends it. */
  openJob(options: OpenJobOptions = {}): Promise<Job> {
    return openJob(this.#context, options)
  }

  /** Of these files, the paths that neither the open job nor the run holds. At most 10,000. */
  plan(jobId: string, files: readonly PlannedFile[], options?: CallOptions): Promise<string[]> {
    return plan(this.#context, jobId, files, options)
  }

  artifacts({ path = '', recursive, ...options }: ListOptions = {}): AsyncGenerator<Artifact> {
    const query = { path: checkDirectory(path), recursive: recursive === true ? 'true' : undefined }
    return pagesOf(this.#context.transport, `${this.#context.address}/artifacts`, 'artifacts', query, options)
  }

  /** What is known of the artifact at this path. */
  head(path: string, options: CallOptions = {}): Promise<ArtifactHead> {
    return headOf(this.#context, checkPath(path), options)
  }

  /** The bytes of an artifact as they come, checked at the end: see `digest_mismatch`. */
  download(path: string, options: DownloadOptions = {}): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    return download(this.#context, checkPath(path), options)
  }

  /** Some bytes of an artifact, which nothing verifies. */
  downloadRange(path: string, options: RangeOptions): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    return downloadRange(this.#context, checkPath(path), options)
  }

  /** The whole of an artifact, in memory. */
  async blob(path: string, options: DownloadOptions = {}): Promise<Blob> {
    const chunks: Uint8Array<ArrayBuffer>[] = []
    for await (const chunk of this.download(path, options)) chunks.push(chunk)
    return new Blob(chunks)
  }

  /** A directory as one archive, streamed; the connection breaks before its end where it is not complete. */
  async *archive(
    path: string,
    format: 'tar' | 'tar.gz' | 'zip',
    options: CallOptions = {},
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const directory = checkDirectory(path)
    const { address, transport } = this.#context
    const where = directory === '' ? `${address}/artifacts` : artifactAddress(this.#context, directory)
    const response = await transport.send(`${where}?archive=${format}`, options)
    yield* transport.chunks(response)
  }

  /** Deletes an artifact; a directory with `recursive`, whose job it gives. */
  async delete(
    path: string,
    options: CallOptions & { readonly recursive?: boolean } = {},
  ): Promise<Job | undefined> {
    const { recursive, ...call } = options
    const query = queryOf({ recursive: recursive === true ? 'true' : undefined })
    const address = artifactAddress(this.#context, recursive ? checkDirectory(path) : checkPath(path))
    const { transport } = this.#context
    const response = await transport.send(`${address}${query}`, { ...call, method: 'DELETE' })
    return response.status === 202 ? ((await response.json()) as Job) : undefined
  }

  #upload(path: string, jobId: string): Upload {
    return new Upload(jobId, path, this.#context.jobs)
  }
}
