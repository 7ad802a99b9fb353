import type { RunPlace, Stray } from '@lading/catalog'
import type { ListedObject } from '@lading/core'
import type { OrphanContext } from './orphan.ts'
import { strayOf } from './stray-of.ts'

export interface StrayObject {
  readonly stray: Stray
  readonly listed: ListedObject
}

/** The most keys that the catalog is asked for at once. */
const PAGE = 1_000

/** Objects of the run that are older than that and that nothing in the catalog speaks of; some at a time. */
export async function* orphanedObjects(
  { catalog, store }: OrphanContext,
  place: RunPlace,
  olderThanMs: number,
  signal: AbortSignal,
): AsyncGenerator<readonly StrayObject[]> {
  const before = Date.now() - olderThanMs
  let page: StrayObject[] = []
  for await (const listed of store.list(place.bucket, place.root, signal)) {
    const stray = strayOf(place, listed.key)
    if (stray === undefined || listed.modifiedAt.getTime() > before) continue
    if (page.push({ stray, listed }) < PAGE) continue
    yield await unclaimed(page)
    page = []
  }
  yield await unclaimed(page)

  async function unclaimed(found: readonly StrayObject[]): Promise<readonly StrayObject[]> {
    const claimed = await catalog.orphans.claimed(found.map(({ stray }) => stray))
    return found.filter(({ listed }) => !claimed.has(listed.key))
  }
}
