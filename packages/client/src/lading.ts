import type { ExperimentBody, RunBody } from './bodies.ts'
import { LadingError } from './errors.ts'
import { newKey } from './idempotency-key.ts'
import { Jobs } from './jobs.ts'
import type { CallOptions, LadingOptions } from './options.ts'
import { pagesOf, queryOf } from './pages.ts'
import { Run } from './run.ts'
import type { TakeDigests } from './sha256.ts'
import { Transport } from './transport.ts'

export interface RunOptions extends CallOptions {
  /** By name; it is made where there is none. */
  readonly experiment: string
  /** Of the run; the server gives it one when it is left out. */
  readonly name?: string
  /** The same key is the same run. */
  readonly idempotencyKey?: string
}

/**
 * A client of one server, as one tenant. Every method takes an `AbortSignal`; what may help is tried again before a call
 * fails with a `LadingError`.
 */
export class Lading {
  readonly jobs: Jobs
  readonly #transport: Transport
  readonly #digests: TakeDigests

  constructor(options: LadingOptions, digests: TakeDigests) {
    this.#transport = new Transport(options)
    this.jobs = new Jobs(this.#transport)
    this.#digests = digests
  }

  async startRun({ experiment, name, idempotencyKey = newKey(), ...options }: RunOptions): Promise<Run> {
    const { experiment_id: id } = await this.#experimentNamed(experiment, options)
    const body = name === undefined ? {} : { name }
    const { run_id: runId } = await this.#transport.post<RunBody>(
      `${experimentAddress(id)}/runs`,
      'run_id',
      body,
      {
        ...options,
        headers: { 'idempotency-key': idempotencyKey },
        repeatable: true,
      },
    )
    return this.run(runId)
  }

  /** Does `work` in a new run, which is `FINISHED` after it, or `FAILED` where it throws. */
  async withRun<T>(options: RunOptions, work: (run: Run) => Promise<T>): Promise<T> {
    const run = await this.startRun(options)
    const { signal } = options
    try {
      const result = await work(run)
      await run.finish('FINISHED', signal === undefined ? {} : { signal })
      return result
    } catch (error) {
      // The caller is told why the work failed, not that the server could not be told of it.
      await run.finish('FAILED').catch(() => undefined)
      throw error
    }
  }

  /** A run by its id. Nothing is asked yet. */
  run(runId: string): Run {
    return new Run(runId, { transport: this.#transport, jobs: this.jobs, digests: this.#digests })
  }

  createExperiment(
    name: string,
    { artifactLocation, ...options }: CallOptions & { readonly artifactLocation?: string } = {},
  ): Promise<ExperimentBody> {
    const location = artifactLocation === undefined ? {} : { artifact_location: artifactLocation }
    return this.#transport.post<ExperimentBody>(
      '/api/v1/experiments',
      'experiment_id',
      { name, ...location },
      options,
    )
  }

  experiments({
    deleted,
    ...options
  }: CallOptions & { readonly deleted?: boolean } = {}): AsyncGenerator<ExperimentBody> {
    const query = { deleted: deleted === true ? 'true' : undefined }
    return pagesOf(this.#transport, '/api/v1/experiments', 'experiments', query, options)
  }

  /** It can be restored; what is in it stays as it is. */
  async deleteExperiment(experimentId: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.send(experimentAddress(experimentId), { method: 'DELETE', ...options })
  }

  restoreExperiment(experimentId: string, options: CallOptions = {}): Promise<ExperimentBody> {
    const address = `${experimentAddress(experimentId)}/restore`
    return this.#transport.json<ExperimentBody>(address, 'experiment_id', {
      method: 'POST',
      repeatable: true,
      ...options,
    })
  }

  /** Undefined: there is none. */
  async experimentByName(name: string, options: CallOptions = {}): Promise<ExperimentBody | undefined> {
    const page = await this.#transport.json<{ experiments: ExperimentBody[] }>(
      `/api/v1/experiments${queryOf({ name })}`,
      'experiments',
      options,
    )
    return page.experiments[0]
  }

  runs(experimentId: string, options: CallOptions = {}): AsyncGenerator<RunBody> {
    return pagesOf(this.#transport, `${experimentAddress(experimentId)}/runs`, 'runs', {}, options)
  }

  /** What the server says of its parts: `ok`, or what is wrong. */
  ready(options: CallOptions = {}): Promise<{ status: string; checks: Record<string, string> }> {
    return this.#transport.json('/readyz', 'status', options)
  }

  /** Of those who make it at the same time, one does and the others find it. */
  async #experimentNamed(name: string, options: CallOptions): Promise<ExperimentBody> {
    const found = await this.experimentByName(name, options)
    if (found !== undefined) return found
    try {
      return await this.createExperiment(name, options)
    } catch (error) {
      const other = error instanceof LadingError && error.code === 'experiment_exists'
      const made = other ? await this.experimentByName(name, options) : undefined
      if (made === undefined) throw error
      return made
    }
  }
}

function experimentAddress(experimentId: string): string {
  return `/api/v1/experiments/${encodeURIComponent(experimentId)}`
}
