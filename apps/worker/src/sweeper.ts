import type { Deletion, DoubtfulArtifact } from '@lading/catalog'
import { retryDelayMs } from '@lading/core'
import { abortLeftUpload } from './abort-upload.ts'
import type { WorkerContext } from './context.ts'
import { asLadingError } from './deliver-file.ts'

/**
 * What the leader clears up: uploads whose files will not be delivered, artifacts of which it is not known whether a
 * dead writer overwrote them, objects whose artifacts were deleted, and keys that nobody will repeat.
 */
export class Sweeper {
  readonly #context: WorkerContext
  #lastForgetting = 0

  constructor(context: WorkerContext) {
    this.#context = context
  }

  async round(signal: AbortSignal): Promise<void> {
    await this.#deleteObjects(signal)
    await this.#abortStranded(signal)
    await this.#resolveDoubts(signal)
    await this.#forget()
  }

  async #deleteObjects(signal: AbortSignal): Promise<void> {
    const { catalog, config } = this.#context
    for (;;) {
      const due = await catalog.sweeps.takeDeletions(BATCH, config.leaseMs)
      const limit = AbortSignal.any([signal, AbortSignal.timeout((config.leaseMs * 2) / 3)])
      await Promise.all(due.map((deletion) => this.#deleteObject(deletion, limit)))
      if (due.length < BATCH) return
    }
  }

  async #deleteObject(deletion: Deletion, signal: AbortSignal): Promise<void> {
    const { catalog, store, config, log } = this.#context
    try {
      const ifMatch = await this.#etagToDelete(deletion, signal)
      if (ifMatch !== undefined) await store.delete(deletion.object, { ifMatch, signal })
      await catalog.sweeps.deletionDone(deletion)
    } catch (error) {
      const { detail } = asLadingError(error)
      log.warn({ err: error, uri: store.uri(deletion.object) }, 'an object could not be deleted yet')
      await catalog.sweeps.deletionFailed(deletion, detail, retryDelayMs(config.retry, deletion.attempts))
    }
  }

  /** Undefined: what lies there is not what was to be deleted. */
  async #etagToDelete({ object, onlyIf }: Deletion, signal: AbortSignal): Promise<string | undefined> {
    if ('etag' in onlyIf) return onlyIf.etag
    return (await this.#context.store.prove(object, { ...onlyIf, contentType: '' }, signal))?.etag
  }

  async #abortStranded(signal: AbortSignal): Promise<void> {
    const { catalog, log } = this.#context
    for (const left of await catalog.sweeps.strandedUploads(BATCH)) {
      try {
        await abortLeftUpload(this.#context, left, signal)
        await catalog.sweeps.dropUpload(left.fileId)
      } catch (error) {
        log.warn({ err: error, key: left.object.key }, 'a stranded upload could not be aborted yet')
        return
      }
    }
  }

  async #resolveDoubts(signal: AbortSignal): Promise<void> {
    const { catalog, log } = this.#context
    for (const artifact of await catalog.sweeps.doubtfulArtifacts(BATCH)) {
      try {
        await this.#resolveDoubt(artifact, signal)
      } catch (error) {
        log.warn({ err: error, key: artifact.key }, 'an artifact could not be checked yet')
        return
      }
    }
  }

  async #resolveDoubt(artifact: DoubtfulArtifact, signal: AbortSignal): Promise<void> {
    const { catalog, store, log } = this.#context
    const facts = { ...artifact, contentType: '' }
    const proven = await store.prove({ bucket: artifact.bucket, key: artifact.key }, facts, signal)
    if (!proven) {
      log.error(
        { runId: artifact.runId, path: artifact.path },
        'an artifact was overwritten by one that was then given up',
      )
    }
    await catalog.sweeps.resolveDoubt(artifact, proven !== undefined)
  }

  async #forget(): Promise<void> {
    if (performance.now() - this.#lastForgetting < FORGET_EVERY_MS) return
    this.#lastForgetting = performance.now()
    const { catalog, config } = this.#context
    await catalog.sweeps.forgetIdempotencyKeys(config.idempotencyMs)
    await catalog.sweeps.forgetWorkers(config.leaseMs * 10)
  }
}

const BATCH = 100
const FORGET_EVERY_MS = 60_000
