import type { Stray } from '@lading/catalog'
import { checkpoint } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { shareOfLease } from '../config.ts'
import type { OrphanContext } from './orphan.ts'

/**
 * Deletes an orphan, if it still is one. First the catalog has, committed, that the object is being deleted: a file of
 * that path which begins from then on waits. Then nothing must claim the object, once more. Then it is deleted by its
 * ETag, well within the lease. When that fails the lease is left to run out, since the request may still arrive.
 */
export async function removeObject(
  { catalog, store, config }: OrphanContext,
  stray: Stray,
  signal: AbortSignal,
): Promise<'removed' | 'kept'> {
  const within = shareOfLease(config, 2 / 3)
  const end = performance.now() + within
  const limit = AbortSignal.any([signal, AbortSignal.timeout(within)])
  const head = await store.head(stray.object, limit)
  if (head === undefined) return 'kept'
  const lease = await catalog.orphans.lease(stray, head.etag, config.leaseMs)
  if (lease === undefined) return 'kept'
  checkpoint('gc.after-lease')
  const isOrphan = await catalog.orphans.confirm(stray, lease)
  if (isOrphan) {
    checkpoint('gc.before-delete')
    // A process that was stopped hears of its timers later than of what it waited for.
    if (performance.now() > end) throw tooLate(store.uri(stray.object))
    await store.delete(stray.object, { ifMatch: head.etag, signal: limit })
  }
  await catalog.orphans.release(lease)
  return isOrphan ? 'removed' : 'kept'
}

function tooLate(uri: string): LadingError {
  return new LadingError('lease_lost', `${uri} was not deleted within the time in which nobody writes it`)
}
