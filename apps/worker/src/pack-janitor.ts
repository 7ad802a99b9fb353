import type { Spool } from '@lading/core'
import type { WorkerContext } from './context.ts'
import { leftPacks, removeLeft } from './left-packs.ts'

/**
 * Says in the catalog that no file needs these packs, and removes them. The row first: a pack that is still there after
 * that is found by looking through the spool, where a row that was not told is never looked at again.
 */
export async function dropPacks(
  { spools, catalog, metrics }: WorkerContext,
  packIds: readonly string[],
  why: 'delivered' | 'expired',
): Promise<void> {
  if (packIds.length === 0) return
  await catalog.packs.dropped(packIds)
  for (const spool of spools.values()) for (const packId of packIds) await spool.remove(packId)
  metrics.droppedPacks.inc({ why }, packIds.length)
}

/**
 * Drops from the spool what nothing needs: see `leftPacks`; and before that, gives up what is only kept for so long. Runs at
 * the start and then now and again.
 */
export async function reconcileSpool(
  context: WorkerContext,
  spool: Spool,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, config, metrics } = context
  for (;;) {
    const expired = await catalog.packs.expired(spool.id, config.keepFailedMs, PAGE)
    await dropPacks(context, expired, 'expired')
    if (expired.length < PAGE || signal.aborted) break
  }
  await catalog.packs.forgetResumable(spool.id)
  for await (const packs of leftPacks(context, spool, signal)) {
    await removeLeft(context, spool, packs)
    for (const { why } of packs) metrics.droppedPacks.inc({ why })
  }
}

const PAGE = 200
