import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type {
  ArtifactFile,
  ArtifactListResponse,
  ExperimentResponse,
  JobFileListResponse,
  JobListResponse,
  JobResponse,
  Problem,
  RunResponse,
} from '@lading/protocol'
import type { Content } from './system-content.ts'
import { type Answer, type FormPart, formOf, type UploadAnswer, upload } from './system-upload.ts'

type Headers = Readonly<Record<string, string>>

/** A body whose length is said beforehand. */
export interface Sendable extends Pick<Content, 'size'> {
  chunks(): Iterable<Buffer> | AsyncIterable<Buffer>
}

export interface Download {
  readonly status: number
  readonly headers: globalThis.Headers
  /** Bytes that came. */
  readonly size: number
  readonly sha256: string
}

const ENDED = ['completed', 'failed', 'cancelled']
/** A limit for what is broken, milliseconds. */
const PATIENCE_MS = 300_000

/** What a client of the HTTP API does, as one tenant. With several APIs, each call goes to the next one. */
export class LadingClient {
  readonly #urls: () => readonly string[]
  readonly #tenant: string
  #turn = 0

  constructor(urls: () => readonly string[], tenant: string) {
    this.#urls = urls
    this.#tenant = tenant
  }

  as(tenant: string): LadingClient {
    return new LadingClient(this.#urls, tenant)
  }

  address(path: string): string {
    const urls = this.#urls()
    this.#turn = (this.#turn + 1) % Math.max(1, urls.length)
    return `${urls[this.#turn] ?? ''}${path}`
  }

  /** Any call with a JSON answer. */
  async call<T>(method: string, path: string, body?: object): Promise<Answer<T & Partial<Problem>>> {
    const response = await fetch(this.address(path), {
      method,
      headers: { 'x-tenant-id': this.#tenant, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const { status, headers } = response
    return { status, headers: Object.fromEntries(headers), body: text === '' ? undefined : JSON.parse(text) }
  }

  /** A run in a new experiment. */
  async createRun(artifactLocation?: string): Promise<RunResponse> {
    const location = artifactLocation === undefined ? {} : { artifact_location: artifactLocation }
    const experiment = await this.call<ExperimentResponse>('POST', '/api/v1/experiments', {
      name: `experiment ${randomUUID()}`,
      ...location,
    })
    const run = await this.call<RunResponse>(
      'POST',
      `/api/v1/experiments/${experiment.body.experiment_id}/runs`,
      {},
    )
    if (run.status === 201) return run.body
    throw new Error(`There is no run: ${JSON.stringify([experiment.body, run.body])}`)
  }

  logArtifact(runId: string, parts: readonly FormPart[], headers: Headers = {}): Promise<UploadAnswer> {
    const { headers: formHeaders, ...form } = formOf(parts)
    const url = this.address(`/api/v1/experiments/runs/${runId}/log-artifact`)
    return upload({ method: 'POST', url, ...form, headers: this.#headers({ ...formHeaders, ...headers }) })
  }

  put(
    runId: string,
    path: string,
    file: Sendable,
    headers: Headers = {},
    query: Headers = {},
  ): Promise<UploadAnswer> {
    const url = `${this.address(artifactUrl(runId, path))}?${new URLSearchParams(query)}`
    const body = { body: file.chunks(), length: file.size }
    return upload({ method: 'PUT', url, ...body, headers: this.#headers(headers) })
  }

  async job(jobId: string, waitSeconds = 0): Promise<JobResponse> {
    const { status, body } = await this.call<JobResponse>('GET', `/api/v1/jobs/${jobId}?wait=${waitSeconds}`)
    if (status !== 200) throw new Error(`Job ${jobId}: ${status} ${body.code}: ${body.detail}`)
    return body
  }

  /** Long-polls until the job has ended, also over an outage of the API or the catalog. */
  async waitJob(jobId: string): Promise<JobResponse> {
    const end = performance.now() + PATIENCE_MS
    for (;;) {
      const seen = await this.job(jobId, 20).catch((error: unknown) => error)
      if (!(seen instanceof Error) && ENDED.includes((seen as JobResponse).state)) return seen as JobResponse
      if (performance.now() > end) throw new Error(`Job ${jobId} does not end: ${said(seen)}`)
      if (seen instanceof Error) await delay(100)
    }
  }

  /** All of them. */
  async jobFiles(jobId: string): Promise<JobFileListResponse['files']> {
    const files: JobFileListResponse['files'] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const path = `/api/v1/jobs/${jobId}/files?limit=1000${query}`
      const { body }: Answer<JobFileListResponse> = await this.call<JobFileListResponse>('GET', path)
      files.push(...body.files)
      cursor = body.next_cursor
    }
    return files
  }

  async jobs(query: string): Promise<JobListResponse> {
    return (await this.call<JobListResponse>('GET', `/api/v1/jobs?${query}`)).body
  }

  /** All files of the run, by path. */
  async list(runId: string): Promise<Map<string, ArtifactFile>> {
    const files = new Map<string, ArtifactFile>()
    let cursor = ''
    for (;;) {
      const page = await this.listPage(runId, `recursive=true&limit=200${cursor}`)
      for (const entry of page.artifacts) if (!entry.is_dir) files.set(entry.path, entry)
      if (page.next_cursor === null) return files
      cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`
    }
  }

  async listPage(runId: string, query: string): Promise<ArtifactListResponse> {
    const path = `/api/v1/experiments/runs/${runId}/artifacts?${query}`
    return (await this.call<ArtifactListResponse>('GET', path)).body
  }

  /** The bytes are digested as they come, and not kept. */
  async get(runId: string, path: string, headers: Headers = {}): Promise<Download> {
    const response = await fetch(this.address(artifactUrl(runId, path)), { headers: this.#headers(headers) })
    const sha256 = createHash('sha256')
    let size = 0
    for await (const chunk of response.body ?? []) {
      sha256.update(chunk)
      size += chunk.length
    }
    return { status: response.status, headers: response.headers, size, sha256: sha256.digest('hex') }
  }

  delete(runId: string, path: string): Promise<Answer<Partial<Problem>>> {
    return this.call('DELETE', artifactUrl(runId, path))
  }

  cancel(jobId: string): Promise<Answer<JobResponse & Partial<Problem>>> {
    return this.call('POST', `/api/v1/jobs/${jobId}/cancel`)
  }

  retry(jobId: string): Promise<Answer<JobResponse & Partial<Problem>>> {
    return this.call('POST', `/api/v1/jobs/${jobId}/retry`)
  }

  /** The states that server-sent events tell, until the stream ends. */
  async *events(jobId: string): AsyncGenerator<JobResponse> {
    const response = await fetch(this.address(`/api/v1/jobs/${jobId}/events`), { headers: this.#headers({}) })
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const events = (text + chunk).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (data !== undefined) yield JSON.parse(data) as JobResponse
      }
    }
  }

  #headers(headers: Headers): Headers {
    return { 'x-tenant-id': this.#tenant, ...headers }
  }
}

function artifactUrl(runId: string, path: string): string {
  return `/api/v1/experiments/runs/${runId}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`
}

function said(seen: unknown): string {
  return seen instanceof Error ? String(seen) : JSON.stringify(seen)
}
