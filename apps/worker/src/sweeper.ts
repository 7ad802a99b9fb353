import type { Deletion, DoubtfulArtifact, LeftUpload } from '@lading/catalog'
import { retryDelayMs } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { abortLeftUpload } from './abort-upload.ts'
import { storable } from './attempt.ts'
import { shareOfLease } from './config.ts'
import type { WorkerContext } from './context.ts'
import { asLadingError } from './deliver-file.ts'
import { DirectorySweeper } from './directory-sweeper.ts'
import { inParallel } from './in-parallel.ts'

/** The most things of a kind in one round, so that none keeps the other kinds waiting. */
const BATCH = 100
/** Requests of the sweeper at once: few, since uploads go before. */
const REQUESTS = 8
const FORGET_EVERY_MS = 60_000
/** An API that is alive gives a sign for each of its arrivals every minute. */
const SILENT_ARRIVAL_MS = 10 * 60_000

/**
 * What the leader clears up: uploads whose files will not be delivered, artifacts of which it is not known whether a
 * dead writer overwrote them, objects whose artifacts were deleted, and keys that nobody will repeat.
 */
export class Sweeper {
  readonly #context: WorkerContext
  readonly #directories: DirectorySweeper
  #lastForgetting = 0

  constructor(context: WorkerContext) {
    this.#context = context
    this.#directories = new DirectorySweeper(context)
  }

  /** One round; never rejects. Whether there may be more to do at once. */
  async round(signal: AbortSignal): Promise<boolean> {
    const duties = [
      () => this.#deleteObjects(signal),
      () => this.#abortStranded(signal),
      () => this.#resolveDoubts(signal),
      () => this.#directories.closeJobs(),
      () => this.#directories.moveStaged(signal),
      () => this.#directories.dropUseless(signal),
      () => this.#forget(),
    ]
    let more = false
    for (const duty of duties) {
      if (signal.aborted) return false
      try {
        if (await duty()) more = true
      } catch (error) {
        if (!signal.aborted) this.#context.log.warn({ err: error }, 'a sweep failed')
      }
    }
    return more
  }

  async #deleteObjects(signal: AbortSignal): Promise<boolean> {
    const { catalog, config } = this.#context
    const due = await catalog.sweeps.takeDeletions(BATCH, config.leaseMs)
    const limit = AbortSignal.any([signal, AbortSignal.timeout(shareOfLease(config, 2 / 3))])
    await inParallel(due, REQUESTS, (deletion) => this.#deleteObject(deletion, limit))
    return due.length === BATCH
  }

  async #deleteObject(deletion: Deletion, signal: AbortSignal): Promise<void> {
    const { catalog, store, config, log } = this.#context
    try {
      const ifMatch = await this.#etagToDelete(deletion, signal)
      if (ifMatch !== undefined) await store.delete(deletion.object, { ifMatch, signal })
    } catch (error) {
      if (!isBucketGone(error)) {
        log.warn({ err: error, uri: store.uri(deletion.object) }, 'an object could not be deleted yet')
        const delayMs = retryDelayMs(config.retry, deletion.attempts)
        await catalog.sweeps.deletionFailed(deletion, storable(asLadingError(error)), delayMs)
        return
      }
    }
    await catalog.sweeps.deletionDone(deletion)
  }

  /** Undefined: what lies there is not what was to be deleted. */
  async #etagToDelete({ object, onlyIf }: Deletion, signal: AbortSignal): Promise<string | undefined> {
    if ('etag' in onlyIf) return onlyIf.etag
    return (await this.#context.store.prove(object, { ...onlyIf, contentType: '' }, signal))?.etag
  }

  async #abortStranded(signal: AbortSignal): Promise<boolean> {
    const stranded = await this.#context.catalog.sweeps.strandedUploads(BATCH)
    return await this.#each(stranded, signal, 'a stranded upload could not be aborted yet', (left) =>
      this.#abort(left, signal),
    )
  }

  async #abort(left: LeftUpload, signal: AbortSignal): Promise<void> {
    try {
      await abortLeftUpload(this.#context, left, signal)
    } catch (error) {
      if (!isBucketGone(error)) throw error
    }
    await this.#context.catalog.sweeps.dropUpload(left.fileId)
  }

  async #resolveDoubts(signal: AbortSignal): Promise<boolean> {
    const doubtful = await this.#context.catalog.sweeps.doubtfulArtifacts(BATCH)
    return await this.#each(doubtful, signal, 'an artifact could not be checked yet', (artifact) =>
      this.#resolveDoubt(artifact, signal),
    )
  }

  async #resolveDoubt(artifact: DoubtfulArtifact, signal: AbortSignal): Promise<void> {
    const { catalog, store, log } = this.#context
    const { bucket, key, runId, path } = artifact
    const facts = { ...artifact, contentType: '' }
    const proven = await store.prove({ bucket, key }, facts, signal)
    if (!proven) log.error({ runId, path }, 'an artifact was overwritten by one that was then given up')
    await catalog.sweeps.resolveDoubt(artifact, proven !== undefined)
  }

  /** One that fails does not keep the others waiting. Whether all went well, and there may be more. */
  async #each<T>(
    items: readonly T[],
    signal: AbortSignal,
    failure: string,
    work: (item: T) => Promise<void>,
  ): Promise<boolean> {
    let failed = 0
    await inParallel(items, REQUESTS, async (item) => {
      try {
        await work(item)
      } catch (error) {
        failed++
        if (!signal.aborted) this.#context.log.warn({ err: error, item }, failure)
      }
    })
    return items.length === BATCH && failed === 0
  }

  async #forget(): Promise<boolean> {
    if (performance.now() - this.#lastForgetting < FORGET_EVERY_MS) return false
    this.#lastForgetting = performance.now()
    const { catalog, config } = this.#context
    await catalog.sweeps.forgetIdempotencyKeys(config.idempotencyMs)
    await catalog.sweeps.forgetWorkers(config.leaseMs * 10)
    await catalog.sweeps.forgetArrivals(SILENT_ARRIVAL_MS)
    await catalog.orphans.forgetLeases()
    await catalog.sweeps.addUpUsage()
    return false
  }
}

/** Then nothing that was in it is left. */
function isBucketGone(error: unknown): boolean {
  return error instanceof LadingError && error.code === 'store_bucket_missing'
}
