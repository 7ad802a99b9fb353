/** What a header's type flag means here. `pax`, `global`, `longName` and `longLink` describe the entry that follows. */
export type HeaderKind = 'file' | 'directory' | Extension

export type Extension = 'pax' | 'global' | 'longName' | 'longLink'

/**
 * POSIX.1-2017 (pax) and GNU tar's "Basic Tar Format". V7 has `\0` for a file; a contiguous file (`7`) is a file to every
 * system that has no other notion of it.
 */
const KINDS: Readonly<Record<string, HeaderKind>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '5': 'directory',
  x: 'pax',
  g: 'global',
  L: 'longName',
  K: 'longLink',
}

const REFUSED: Readonly<Record<string, string>> = {
  '1': 'is a hard link: pack with --hard-dereference (GNU tar), or leave it out',
  '2': 'is a symbolic link: pack with --dereference to take what it points to, or leave it out',
  '3': 'is a character device',
  '4': 'is a block device',
  '6': 'is a named pipe',
  D: 'is a directory of an incremental backup: pack without --incremental',
  M: 'goes on from another volume: pack without --multi-volume',
  S: 'is a sparse file: pack without --sparse',
  V: 'is a volume label: pack without --label',
  X: 'has an extended header of Solaris: pack with --format=pax',
}

/** The kind of a type flag, or the words that refuse it, which go on from the entry's name. */
export function kindOf(type: string): HeaderKind | { readonly refused: string } {
  return KINDS[type] ?? { refused: REFUSED[type] ?? `is of an unknown type, ${JSON.stringify(type)}` }
}
