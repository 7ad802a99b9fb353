import type { Move } from '@lading/catalog'
import { artifactTypeOf, type Precondition } from '@lading/core'
import { shareOfLease } from './config.ts'
import type { WorkerContext } from './context.ts'
import { inParallel } from './in-parallel.ts'

const BATCH = 100
const REQUESTS = 8

/**
 * What open and atomic jobs leave to the leader: jobs that nobody sealed in time, jobs whose worker died between the
 * last delivery and showing them, and objects that were delivered beside those they replace.
 */
export class DirectorySweeper {
  readonly #context: WorkerContext

  constructor(context: WorkerContext) {
    this.#context = context
  }

  async closeJobs(): Promise<boolean> {
    const { sweeps, delivery } = this.#context.catalog
    await sweeps.failOverdueJobs()
    await sweeps.endJobs()
    const due = await sweeps.publishable(BATCH)
    for (const jobId of due) await delivery.publish(jobId)
    return due.length === BATCH
  }

  /** Copies them to their own keys, inside the store. */
  async moveStaged(signal: AbortSignal): Promise<boolean> {
    const { catalog, config } = this.#context
    const moves = await catalog.staging.takeMoves(BATCH, config.leaseMs)
    const limit = AbortSignal.any([signal, AbortSignal.timeout(shareOfLease(config, 2 / 3))])
    await inParallel(moves, REQUESTS, (move) => this.#move(move, limit))
    return moves.length === BATCH
  }

  /** A copy that fails is taken up again when the time of the move is over. */
  async #move(move: Move, signal: AbortSignal): Promise<void> {
    const { catalog, store, log } = this.#context
    const facts = { ...move.facts, contentType: artifactTypeOf(move.path).contentType }
    try {
      // What lies there now is the condition, so that a leader that sleeps through the move's time overwrites nothing newer.
      const head = await store.head(move.to, signal)
      const precondition: Precondition = head ? { kind: 'etag', etag: head.etag } : { kind: 'absent' }
      const { etag } = await store.copy(move.from, move.to, facts, { precondition, signal })
      await catalog.staging.moved(move, etag)
    } catch (error) {
      if (!signal.aborted)
        log.warn({ err: error, uri: store.uri(move.to) }, 'an object was not moved to its key yet')
    }
  }

  async dropUseless(signal: AbortSignal): Promise<boolean> {
    const { catalog, store, config, log } = this.#context
    await catalog.staging.expireUnpublished(config.keepFailedMs, BATCH)
    const useless = await catalog.staging.useless(config.keepFailedMs, BATCH)
    let failed = false
    await inParallel(useless, REQUESTS, async ({ fileId, object }) => {
      try {
        await store.delete(object, { signal })
        await catalog.staging.forget(fileId)
      } catch (error) {
        failed = true
        if (!signal.aborted)
          log.warn({ err: error, uri: store.uri(object) }, 'an object could not be deleted yet')
      }
    })
    return useless.length === BATCH && !failed
  }
}
