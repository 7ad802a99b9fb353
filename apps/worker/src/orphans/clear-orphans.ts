import type { RunPlace } from '@lading/catalog'
import type { Spool } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { inParallel } from '../in-parallel.ts'
import { leftPacks, removeLeft } from '../left-packs.ts'
import type { Orphan, OrphanContext, OrphanOptions, Report } from './orphan.ts'
import { orphanedObjects } from './orphaned-objects.ts'
import { orphanedUploads, removeUpload } from './orphaned-uploads.ts'
import { removeObject } from './remove-object.ts'

/** Runs that are asked for at once, and that are looked through at once. */
const PAGE = 200
const LANES = 4
/** Objects of a run that are deleted at once. */
const REQUESTS = 4

/**
 * Finds objects and uploads of the runs that the catalog knows, and that it does not speak of, and removes them if it is
 * told to. What lies elsewhere in a bucket is never looked at. Each is reported when it is known what became of it; one
 * that fails does not keep the others. Rejects on abort, and when the catalog does not answer.
 */
export async function clearOrphans(
  context: OrphanContext,
  options: OrphanOptions,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { remove: _, olderThanMs: __, ...only } = options
  for (let after: string | undefined; ; ) {
    const places = await context.catalog.orphans.places(after, only, PAGE)
    await inParallel(places, LANES, (place) => clearRun(context, place, options, report, signal))
    after = places.at(-1)?.runId
    if (after === undefined) return
  }
}

/** The packs of a spool that nothing needs, by the rules by which the workers drop them. */
export async function clearPacks(
  context: OrphanContext,
  spool: Spool,
  { remove }: Pick<OrphanOptions, 'remove'>,
  report: (found: Orphan) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const packs of leftPacks(context, spool, signal)) {
    if (remove) await removeLeft(context, spool, packs)
    for (const { packId, size, modifiedAt, why } of packs)
      report({
        what: 'pack',
        uri: `${why} pack ${packId}`,
        bytes: size,
        since: modifiedAt,
        outcome: remove ? 'removed' : 'found',
      })
  }
}

async function clearRun(
  context: OrphanContext,
  place: RunPlace,
  { olderThanMs, remove }: OrphanOptions,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { store } = context
  const { bucket, root } = place
  const settle = async (orphan: Omit<Orphan, 'outcome'>, removal: () => Promise<'removed' | 'kept'>) =>
    report({ ...orphan, outcome: remove ? await outcomeOf(removal, signal) : 'found' })
  try {
    for await (const objects of orphanedObjects(context, place, olderThanMs, signal))
      await inParallel(objects, REQUESTS, async ({ stray, listed }) => {
        const { size: bytes, modifiedAt: since } = listed
        const uri = store.uri(stray.object)
        await settle({ what: 'object', uri, bytes, since }, () => removeObject(context, stray, signal))
      })
    for await (const upload of orphanedUploads(context, place, olderThanMs, signal)) {
      const { bytes, startedAt: since, key } = upload
      const uri = store.uri({ bucket, key })
      await settle({ what: 'upload', uri, bytes, since }, () => removeUpload(context, bucket, upload, signal))
    }
  } catch (error) {
    const failed = ofStore(error, signal)
    report({ what: 'run', uri: store.uri({ bucket, key: `${root}artifacts` }), failed })
  }
}

async function outcomeOf(
  removal: () => Promise<'removed' | 'kept'>,
  signal: AbortSignal,
): Promise<Orphan['outcome']> {
  try {
    return await removal()
  } catch (error) {
    return { failed: ofStore(error, signal) }
  }
}

/** What the store, or the time, has against it. Anything else is thrown. */
function ofStore(error: unknown, signal: AbortSignal): LadingError {
  if (signal.aborted) throw signal.reason
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new LadingError('lease_lost', 'the store took longer than the lease lasts', { cause: error })
  if (!(error instanceof LadingError) || error.code === 'catalog_unavailable') throw error
  return error
}
