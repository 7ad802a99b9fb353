import type { EntryType } from '../entry.ts'
import type { EntryRef } from '../entry-ref.ts'
import { isMadeOnUnix } from './made-by.ts'

/** By this bit 7-Zip says that the attributes hold a Unix mode, whatever the system. */
const UNIX_EXTENSION = 0x8000

const TYPE_BITS = 0o170000
const DIRECTORY = 0o040000
/** Zero: some tools write permissions alone. */
const TAKEN: readonly number[] = [0, 0o100000, DIRECTORY]
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0o010000, 'is a named pipe'],
  [0o020000, 'is a character device'],
  [0o060000, 'is a block device'],
  [0o120000, 'is a symbolic link: pack without --symlinks to take what it points to, or leave it out'],
  [0o140000, 'is a socket'],
])

/** The Unix mode with its type bits, or 0 if the entry has none. */
export function unixMode(madeBy: number, attributes: number): number {
  return isMadeOnUnix(madeBy) || (attributes & UNIX_EXTENSION) !== 0 ? attributes >>> 16 : 0
}

/**
 * A directory is what ends in a slash, whatever the mode says: some tools give every entry that of a file.
 *
 * @throws LadingError `archive_entry_refused`, `archive_malformed`.
 */
export function zipEntryType(name: string, mode: number, entry: EntryRef): EntryType {
  const kind = mode & TYPE_BITS
  if (!TAKEN.includes(kind)) {
    entry.refuse(REFUSED.get(kind) ?? `is of an unknown type, ${kind.toString(8)}`, 'archive_entry_refused')
  }
  if (name.endsWith('/')) return 'directory'
  if (kind === DIRECTORY) entry.refuse('is a directory whose name does not end in a slash')
  return 'file'
}
