import type { EntryRef } from '../entry-ref.ts'
import { signedChecksum, unsignedChecksum } from './checksum.ts'
import {
  CHECKSUM,
  GNU_MAGIC,
  MAGIC,
  MODE,
  MTIME,
  NAME,
  PREFIX,
  SIZE,
  TYPE,
  USTAR_MAGIC,
  V7_MAGIC,
} from './layout.ts'
import { isBlank, numericField } from './numeric-field.ts'

/** A header block, decoded but for its name, which an extended header may replace. */
export interface TarHeader {
  /** One character; `'\0'` in archives of Unix V7. */
  readonly type: string
  /** The bytes of the name; with the prefix, where the format has one. */
  readonly name: Buffer
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  /** Seconds since 1970. */
  readonly mtime: number
}

/**
 * Decodes a header block that is not all zeros. The name that a refusal gives is the one of this block.
 *
 * @throws LadingError `archive_malformed`.
 */
export function decodeHeader(block: Buffer, entry: EntryRef): TarHeader {
  checkChecksum(block, entry)
  const name = nameOf(block, entry)
  entry.name = name.toString('utf8')
  return {
    type: String.fromCharCode(block[TYPE] as number),
    name,
    size: sizeOf(block, entry),
    mode: numberOf(block, MODE, 'mode', entry) & 0o7777,
    mtime: numberOf(block, MTIME, 'modification time', entry),
  }
}

function checkChecksum(block: Buffer, entry: EntryRef): void {
  const declared = numericField(block, ...CHECKSUM)
  if (declared === unsignedChecksum(block) || declared === signedChecksum(block)) return
  entry.refuse('has a header whose checksum is wrong: the bytes are no tar, or were damaged on their way')
}

/** A prefix stands in headers of POSIX only: GNU's has times there. */
function nameOf(block: Buffer, entry: EntryRef): Buffer {
  const name = textField(block, ...NAME)
  const magic = block.toString('latin1', MAGIC[0], MAGIC[0] + MAGIC[1])
  if (magic === USTAR_MAGIC) {
    const prefix = textField(block, ...PREFIX)
    return prefix.length === 0 ? name : Buffer.concat([prefix, SLASH, name])
  }
  if (magic !== GNU_MAGIC && magic !== V7_MAGIC) {
    entry.refuse(`has a header of unknown format: its magic is ${JSON.stringify(magic)}`)
  }
  return name
}

const SLASH = Buffer.from('/')

/** Up to the first NUL, or the whole field (POSIX.1-2017: "character strings are NUL-terminated, except when full"). */
function textField(block: Buffer, from: number, length: number): Buffer {
  const end = block.indexOf(0, from)
  return block.subarray(from, end === -1 || end > from + length ? from + length : end)
}

function sizeOf(block: Buffer, entry: EntryRef): number {
  const size = numericField(block, ...SIZE)
  if (size === undefined || size < 0) entry.refuse('has a size that is no number of bytes')
  return size
}

/** Some writers leave a field blank that they have no value for. */
function numberOf(block: Buffer, field: readonly [number, number], name: string, entry: EntryRef): number {
  return (
    numericField(block, ...field) ??
    (isBlank(block, ...field) ? 0 : entry.refuse(`has a ${name} that is no number`))
  )
}
