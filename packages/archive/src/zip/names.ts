import { isAscii } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { decodeName } from '../entry-name.ts'
import type { EntryRef } from '../entry-ref.ts'
import { extraField } from './extra-fields.ts'
import { isMadeOnUnix } from './made-by.ts'
import { EXTRA_UNICODE_PATH, FLAG_UTF8 } from './signatures.ts'

/**
 * The name of an entry. It is UTF-8 by its flag (Appendix D), if it is ASCII, if Info-ZIP's Unicode path (4.6.9) says so, or
 * if the zip was made on Unix and the bytes are valid: `zip` without an `en_US.UTF-8` locale, and the Finder, store the bytes
 * of a Unix name as they are, unmarked. Otherwise its charset is anyone's guess, and it is refused.
 *
 * @throws LadingError `archive_entry_refused`, `archive_malformed`.
 */
export function zipName(
  bytes: Buffer,
  flags: number,
  madeBy: number,
  extra: Buffer,
  entry: EntryRef,
): string {
  if ((flags & FLAG_UTF8) !== 0 || isAscii(bytes)) return checked(decodeName(bytes, entry), entry)
  const unicode = unicodePath(bytes, extra, entry)
  if (unicode !== undefined) return checked(decodeName(unicode, entry), entry)
  if (isMadeOnUnix(madeBy)) return checked(decodeName(bytes, entry), entry)
  entry.name = bytes.toString('latin1')
  const advice = 'pack with a tool that marks names as UTF-8'
  entry.refuse(`has a name beyond ASCII whose charset is not told: ${advice}`, 'archive_entry_refused')
}

/** It holds only for the very name that it was made of: a tool that renames may leave an old one behind. */
function unicodePath(name: Buffer, extra: Buffer, entry: EntryRef): Buffer | undefined {
  const field = extraField(extra, EXTRA_UNICODE_PATH, entry)
  if (field === undefined || field.length < 6 || field[0] !== 1) return undefined
  return field.readUInt32LE(1) === crc32(name) ? field.subarray(5) : undefined
}

function checked(name: string, entry: EntryRef): string {
  entry.name = name
  if (name === '' || name.includes('\0')) entry.refuse('has a name that is empty or holds NUL')
  return name
}
