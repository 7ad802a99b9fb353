import { checkpoint, retryDelayMs } from '@lading/core'
import type { LadingError } from '@lading/protocol'
import { type Attempt, storable } from './attempt.ts'
import type { WorkerContext } from './context.ts'
import { dropPacks } from './pack-janitor.ts'
import { persistently } from './persistently.ts'

/**
 * Writes into the catalog what came of the attempt, and hands back what is still to be delivered. While Postgres is away
 * it is asked again for as long as the lease is held; rejects after that.
 */
export async function commit(context: WorkerContext, attempt: Attempt, stop: AbortSignal): Promise<void> {
  const { catalog, metrics, log } = context
  const { work, lease, outcomes } = attempt
  checkpoint('worker.before-commit')
  const { moved, freePacks, publish } = await persistently(context, lease.lost, () =>
    catalog.delivery.settle(work.ticket, outcomes),
  )
  checkpoint('worker.after-commit')
  if (moved < outcomes.length) metrics.fencedDrops.inc({ at: 'settle' })
  else count(context, attempt)
  if (outcomes.length < work.files.length) {
    const how = wayBack(context, attempt, stop)
    await persistently(context, lease.lost, () => catalog.leases.handBack(work.ticket, how))
  }
  if (publish !== undefined) {
    await catalog.delivery.publish(publish).catch((error: unknown) => {
      log.warn({ err: error, jobId: publish }, 'a job was left to the leader to publish')
    })
  }
  await dropPacks(context, freePacks, 'delivered').catch((error: unknown) => {
    log.warn({ err: error, freePacks }, 'packs were left to the janitor')
  })
}

function count({ metrics }: WorkerContext, { work, outcomes }: Attempt): void {
  const sizes = new Map(work.files.map((file) => [file.fileId, file.size]))
  for (const outcome of outcomes) {
    metrics.delivered.inc({ state: outcome.state })
    if (outcome.state === 'stored') metrics.deliveredBytes.inc(sizes.get(outcome.fileId) ?? 0)
  }
}

/** How long to leave work whose key another writer holds, milliseconds. */
const KEY_TAKEN_MS = 100

/** A process that stops, and a key that is taken, cost no attempt. */
function wayBack({ config }: WorkerContext, { work, retryAfter }: Attempt, stop: AbortSignal) {
  if (stop.aborted) return { delayMs: 0, burn: false }
  if (!retryAfter) return { delayMs: KEY_TAKEN_MS, burn: false }
  return { delayMs: retryDelayMs(config.retry, work.attempts), burn: true, error: reason(retryAfter) }
}

function reason(error: LadingError) {
  return { code: error.code, detail: storable(error) }
}
