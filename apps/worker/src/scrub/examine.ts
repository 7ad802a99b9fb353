import type { Rot, ScrubbedArtifact, Scrubs } from '@lading/catalog'
import type { ObjectStore } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Pace } from './pace.ts'
import { readBack } from './read-back.ts'

export interface ScrubContext {
  readonly catalog: { readonly scrubs: Scrubs }
  readonly store: ObjectStore
  /** Of bytes, and of objects. */
  readonly pace: { readonly bytes: Pace; readonly objects: Pace }
}

export type Finding = { readonly artifact: ScrubbedArtifact } & (
  | { readonly verdict: 'good' }
  | { readonly verdict: 'rotted'; readonly rot: Rot }
  /** It was deleted, replaced or moved meanwhile: what was read says nothing. */
  | { readonly verdict: 'changed' }
  /** The store did not say. */
  | { readonly verdict: 'unchecked'; readonly error: LadingError }
)

/**
 * Reads an artifact's object and notes in the catalog what it is. An object that is another, or gone, is asked for once
 * more before it is called rotted; a store or a bucket that cannot be read is not the artifact's fault. An object with
 * the right bytes under another ETag (a bucket that was restored, or copied) is the artifact's from now on.
 */
export async function examine(
  { catalog, store, pace }: ScrubContext,
  artifact: ScrubbedArtifact,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    const look = () => compare(store, artifact, pace.bytes, signal)
    const first = await look()
    const now = 'rot' in first ? await look() : first
    if (!(await catalog.scrubs.found(artifact, now))) return { artifact, verdict: 'changed' }
    return 'rot' in now ? { artifact, verdict: 'rotted', rot: now.rot } : { artifact, verdict: 'good' }
  } catch (error) {
    if (signal.aborted || !(error instanceof LadingError) || !error.code.startsWith('store_')) throw error
    return { artifact, verdict: 'unchecked', error }
  }
}

async function compare(
  store: ObjectStore,
  { object, size, sha256 }: ScrubbedArtifact,
  pace: Pace,
  signal: AbortSignal,
): Promise<{ readonly etag: string } | { readonly rot: Rot }> {
  try {
    const found = await readBack(store, object, size, pace, signal)
    const isSame = found.size === size && found.sha256 === sha256
    return isSame ? { etag: found.etag } : { rot: 'damaged' }
  } catch (error) {
    const rot = error instanceof LadingError ? ROT_OF[error.code] : undefined
    if (rot === undefined) throw error
    return { rot }
  }
}

/** An object that was cut has no such range any more, or ends while it is read. */
const ROT_OF: Readonly<Partial<Record<string, Rot>>> = {
  store_object_missing: 'missing',
  store_object_mismatch: 'damaged',
  range_not_satisfiable: 'damaged',
}
