import type { KeyLocks } from './key-locks.ts'
import type { KnownDirectories } from './known-directories.ts'
import type { Layout } from './layout.ts'
import type { SmallFiles } from './small-files/small-files.ts'

/** What every operation of the store works with. */
export interface DirectoryContext {
  readonly layout: Layout
  readonly locks: KeyLocks
  readonly directories: KnownDirectories
  readonly smallFiles: SmallFiles
}
