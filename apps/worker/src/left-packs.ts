import type { Catalog } from '@lading/catalog'
import type { ListedPack, Spool } from '@lading/core'
import type { WorkerConfig } from './config.ts'

/** A pack in a spool that nothing needs. */
export interface LeftPack extends ListedPack {
  /** `partial`: a dead process left it unsealed. `expired`: of a resumable upload that was given up. */
  readonly why: 'free' | 'unknown' | 'partial' | 'expired'
}

export interface LeftPacksNeeds {
  readonly catalog: Pick<Catalog['delivery'], 'packs'>
  readonly config: Pick<WorkerConfig, 'unknownPackMs' | 'partialPackMs'>
}

const PAGE = 200

/**
 * Holds the spool against the catalog: packs that nothing needs any more, packs whose request was never accepted, and
 * what a process that died in mid-request left. Some at a time; changes nothing.
 */
export async function* leftPacks(
  needs: LeftPacksNeeds,
  spool: Spool,
  signal: AbortSignal,
): AsyncGenerator<readonly LeftPack[]> {
  const { partialPackMs } = needs.config
  for await (const page of inPages(spool.listGrowing(), signal)) yield await forgotten(needs, page)
  for await (const page of inPages(spool.list(), signal)) {
    yield page
      .filter((pack) => !pack.sealed && ageMs(pack) >= partialPackMs)
      .map((pack) => ({ ...pack, why: 'partial' }))
    yield await unneeded(
      needs,
      page.filter((pack) => pack.sealed),
    )
  }
}

/** The row first: a pack that is still there after that is found again, where a row that was not told is not. */
export async function removeLeft(
  { catalog }: Pick<LeftPacksNeeds, 'catalog'>,
  spool: Spool,
  packs: readonly LeftPack[],
): Promise<void> {
  const sealed = packs.filter(({ why }) => why === 'free' || why === 'unknown')
  if (sealed.length > 0) await catalog.packs.dropped(sealed.map(({ packId }) => packId))
  for (const { packId, why } of packs) {
    if (why === 'expired') await spool.removeGrowing(packId)
    else if (why === 'partial') await spool.removePartial(packId)
    else await spool.remove(packId)
  }
}

async function* inPages(
  packs: AsyncIterable<ListedPack>,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedPack[]> {
  let page: ListedPack[] = []
  for await (const pack of packs) {
    if (signal.aborted) return
    if (page.push(pack) < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

async function forgotten(
  { catalog, config }: LeftPacksNeeds,
  packs: readonly ListedPack[],
): Promise<LeftPack[]> {
  const old = packs.filter((pack) => ageMs(pack) >= config.unknownPackMs)
  const status = await catalog.packs.status(old.map(({ packId }) => packId))
  return old
    .filter(({ packId }) => status.get(packId) !== 'needed')
    .map((pack) => ({ ...pack, why: 'expired' }))
}

/** A pack that the catalog does not know may be one whose transaction is still under way: only an old one goes. */
async function unneeded(
  { catalog, config }: LeftPacksNeeds,
  packs: readonly ListedPack[],
): Promise<LeftPack[]> {
  const status = await catalog.packs.status(packs.map(({ packId }) => packId))
  return packs.flatMap((pack): LeftPack[] => {
    const why = status.get(pack.packId)
    if (why === 'free') return [{ ...pack, why }]
    return why === 'unknown' && ageMs(pack) >= config.unknownPackMs ? [{ ...pack, why }] : []
  })
}

function ageMs(pack: ListedPack): number {
  return Date.now() - pack.modifiedAt.getTime()
}
