import type { EntryRef } from '../entry-ref.ts'

/**
 * The content of the extra field with an id (4.5.1), or undefined. Fewer than four bytes at the end are passed over:
 * tools that align data fill up so.
 *
 * @throws LadingError `archive_malformed` if fields do not fit, or the id appears twice.
 */
export function extraField(extra: Buffer, id: number, entry: EntryRef): Buffer | undefined {
  let found: Buffer | undefined
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (end > extra.length) entry.refuse('has an extra field that is longer than its place')
    if (extra.readUInt16LE(at) === id) {
      if (found !== undefined) entry.refuse(`has the extra field 0x${id.toString(16)} twice`)
      found = extra.subarray(at + 4, end)
    }
    at = end
  }
  return found
}
