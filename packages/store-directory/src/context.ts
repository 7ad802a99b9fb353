import type { KeyLocks } from './key-locks.ts'
import type { Layout } from './layout.ts'

/** What every operation of the store works with. */
export interface DirectoryContext {
  readonly layout: Layout
  readonly locks: KeyLocks
}
