import type { ListedPack, Spool } from '@lading/core'
import type { WorkerContext } from './context.ts'

/**
 * Says in the catalog that no file needs these packs, and removes them. The row first: a pack that is still there after
 * that is found by looking through the spool, where a row that was not told is never looked at again.
 */
export async function dropPacks(
  { spools, catalog, metrics }: WorkerContext,
  packIds: readonly string[],
  why: 'delivered' | 'expired' | 'free' | 'unknown',
): Promise<void> {
  if (packIds.length === 0) return
  await catalog.packs.dropped(packIds)
  for (const spool of spools.values()) for (const packId of packIds) await spool.remove(packId)
  metrics.droppedPacks.inc({ why }, packIds.length)
}

/**
 * Holds the spool against the catalog: packs that nothing needs any more, packs whose request was never accepted, and
 * what a process that died in mid-request left. Runs at the start and then now and again.
 */
export async function reconcileSpool(
  context: WorkerContext,
  spool: Spool,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, config } = context
  for (;;) {
    const expired = await catalog.packs.expired(spool.id, config.keepFailedMs, PAGE)
    await dropPacks(context, expired, 'expired')
    if (expired.length < PAGE || signal.aborted) break
  }
  await catalog.packs.forgetResumable(spool.id)
  await dropForgotten(context, spool, signal)
  let page: ListedPack[] = []
  for await (const pack of spool.list()) {
    if (signal.aborted) return
    if (!pack.sealed) await dropPartial(context, spool, pack)
    else if (page.push(pack) === PAGE) {
      await dropUnneeded(context, page)
      page = []
    }
  }
  await dropUnneeded(context, page)
}

const PAGE = 200

/** Packs of resumable uploads that were given up, or have expired. */
async function dropForgotten(context: WorkerContext, spool: Spool, signal: AbortSignal): Promise<void> {
  const { catalog, config, metrics } = context
  for await (const pack of spool.listGrowing()) {
    if (signal.aborted) return
    if (ageMs(pack) < config.unknownPackMs) continue
    const status = await catalog.packs.status([pack.packId])
    if (status.get(pack.packId) === 'needed') continue
    await spool.removeGrowing(pack.packId)
    metrics.droppedPacks.inc({ why: 'expired' })
  }
}

async function dropPartial(
  { config, metrics }: WorkerContext,
  spool: Spool,
  pack: ListedPack,
): Promise<void> {
  if (ageMs(pack) < config.partialPackMs) return
  await spool.removePartial(pack.packId)
  metrics.droppedPacks.inc({ why: 'partial' })
}

/** A pack that the catalog does not know may be one whose transaction is still under way: only an old one goes. */
async function dropUnneeded(context: WorkerContext, packs: readonly ListedPack[]): Promise<void> {
  if (packs.length === 0) return
  const status = await context.catalog.packs.status(packs.map((pack) => pack.packId))
  const free = packs.filter((pack) => status.get(pack.packId) === 'free')
  const unknown = packs.filter(
    (pack) => status.get(pack.packId) === 'unknown' && ageMs(pack) >= context.config.unknownPackMs,
  )
  await dropPacks(context, ids(free), 'free')
  await dropPacks(context, ids(unknown), 'unknown')
}

function ageMs(pack: ListedPack): number {
  return Date.now() - pack.modifiedAt.getTime()
}

function ids(packs: readonly ListedPack[]): string[] {
  return packs.map((pack) => pack.packId)
}
