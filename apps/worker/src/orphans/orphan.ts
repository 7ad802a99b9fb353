import type { Catalog, RunPlace } from '@lading/catalog'
import type { ObjectStore } from '@lading/core'
import type { LadingError } from '@lading/protocol'
import type { WorkerConfig } from '../config.ts'

export interface OrphanContext {
  readonly catalog: Pick<Catalog['delivery'], 'orphans' | 'packs'>
  readonly store: ObjectStore
  readonly config: Pick<WorkerConfig, 'leaseMs' | 'unknownPackMs' | 'partialPackMs'>
}

export interface OrphanOptions {
  /** What is younger is left alone (milliseconds): it may be about to be spoken of. Of packs the settings say when. */
  readonly olderThanMs: number
  readonly tenant?: string
  readonly runId?: string
  /** Else they are only told of. */
  readonly remove: boolean
}

/** Something that takes room and that nothing needs, and what became of it. */
export interface Orphan {
  readonly what: 'object' | 'upload' | 'pack'
  readonly uri: string
  readonly bytes: number
  readonly since: Date
  readonly outcome:
    | 'found'
    | 'removed'
    /** Something has come to need it, or somebody else removes it. */
    | 'kept'
    | { readonly failed: LadingError }
}

/** A run whose objects or uploads could not be listed. */
export interface Unlisted {
  readonly what: 'run'
  readonly uri: string
  readonly failed: LadingError
}

export type Report = (found: Orphan | Unlisted) => void

/** Whether a key lies where Lading writes for the run; what else is below the run's root is somebody else's. */
export function isOurs({ root }: RunPlace, key: string): boolean {
  return key.startsWith(`${root}artifacts/`) || key.startsWith(`${root}staging/`)
}
