import { isUtf8 } from 'node:buffer'
import type { EntryRef } from './entry-ref.ts'

/** Text of a name's bytes, which must be UTF-8: a name that was guessed at would be another file. */
export function decodeName(bytes: Buffer, entry: EntryRef): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  entry.name = bytes.toString('latin1')
  entry.refuse(
    'has a name that is not UTF-8: rename it, or pack it in a UTF-8 locale',
    'archive_entry_refused',
  )
}

/**
 * The name without a leading `./` and, for a directory, a trailing `/`. It is `''` for the root of what was packed
 * (`./`; `/` as Python's tarfile calls it for `arcname=''`), which is no entry of its own.
 */
export function entryPath(name: string, isDirectory: boolean): string {
  const relative = name.startsWith('./') ? name.slice(2) : name
  if (!isDirectory) return relative
  const bare = relative.endsWith('/') ? relative.slice(0, -1) : relative
  return bare === '.' ? '' : bare
}
