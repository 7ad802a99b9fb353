import type { EntryRef } from '../entry-ref.ts'

/** What of a pax header bears on an entry that can be taken. */
export interface PaxAttributes {
  readonly path?: Buffer
  readonly size?: number
  readonly mtimeMs?: number
}

/** Records under which the entry's bytes are not the file's own. */
const TRANSFORMED = /^(GNU\.sparse\.|GNU\.volume\.|SCHILY\.realsize$|SUN\.holesdata$)/

const UTF8_CHARSET = 'ISO-IR 10646 2000 UTF-8'

/**
 * Reads the records of a pax extended header, each `<length> <keyword>=<value>\n` (POSIX.1-2017, pax, "pax Extended
 * Header"). Owners, times of access, comments and attributes of vendors are passed over; of a keyword that appears
 * twice the last counts.
 *
 * @throws LadingError `archive_malformed`, or `archive_entry_refused` for sparse files and `hdrcharset`.
 */
export function readPaxRecords(bytes: Buffer, entry: EntryRef): PaxAttributes {
  const attributes: { -readonly [K in keyof PaxAttributes]: PaxAttributes[K] } = {}
  for (let at = 0; at < bytes.length; ) {
    const { keyword, value, end } = recordAt(bytes, at, entry)
    at = end
    if (keyword === 'path') attributes.path = pathValue(value, entry)
    else if (keyword === 'size') attributes.size = sizeValue(value, entry)
    else if (keyword === 'mtime') attributes.mtimeMs = timeValue(value, entry)
    else checkOther(keyword, value, entry)
  }
  return attributes
}

function recordAt(
  bytes: Buffer,
  at: number,
  entry: EntryRef,
): { keyword: string; value: Buffer; end: number } {
  const space = bytes.indexOf(0x20, at)
  const digits = space === -1 ? '' : bytes.toString('latin1', at, Math.min(space, at + 9))
  const end = at + Number(digits)
  const equals = bytes.indexOf(0x3d, space + 1)
  const isWhole = /^[1-9]\d*$/.test(digits) && end <= bytes.length && bytes[end - 1] === 0x0a
  if (!isWhole || equals <= space + 1 || equals >= end) {
    entry.refuse('has a pax header whose records are not "<length> <keyword>=<value>"')
  }
  return {
    keyword: bytes.toString('utf8', space + 1, equals),
    value: bytes.subarray(equals + 1, end - 1),
    end,
  }
}

function pathValue(value: Buffer, entry: EntryRef): Buffer {
  if (value.length === 0 || value.includes(0)) entry.refuse('has a pax path that is empty or holds NUL')
  // The header's bytes may be a slice of a chunk, which the caller owns; a global path outlives it.
  return Buffer.from(value)
}

function sizeValue(value: Buffer, entry: EntryRef): number {
  const size = /^\d{1,16}$/.test(value.toString('latin1')) ? Number(value.toString('latin1')) : Number.NaN
  if (!Number.isSafeInteger(size)) entry.refuse('has a pax size that is no number of bytes')
  return size
}

/** Seconds with a fraction, which is cut to milliseconds. */
function timeValue(value: Buffer, entry: EntryRef): number {
  const match = /^(-?)(\d{1,20})(?:\.(\d*))?$/.exec(value.toString('latin1'))
  if (match === null) entry.refuse('has a pax mtime that is no number of seconds')
  const [, sign, seconds, fraction = ''] = match
  const ms = Number(seconds) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
  return sign === '-' ? 0 - ms : ms
}

function checkOther(keyword: string, value: Buffer, entry: EntryRef): void {
  if (TRANSFORMED.test(keyword)) {
    entry.refuse(`is sparse or split (${keyword}): pack without --sparse`, 'archive_entry_refused')
  }
  if (keyword === 'hdrcharset' && value.toString('latin1') !== UTF8_CHARSET) {
    entry.refuse('has names that are not UTF-8 (hdrcharset): rename it', 'archive_entry_refused')
  }
}
