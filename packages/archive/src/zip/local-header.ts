import type { EntryRef } from '../entry-ref.ts'
import type { CentralRecord } from './central-record.ts'
import { extraField } from './extra-fields.ts'
import { readUInt64 } from './safe-integer.ts'
import {
  DEFLATED,
  EXTRA_ZIP64,
  FLAG_DESCRIPTOR,
  FLAG_ENCRYPTED,
  FLAG_UTF8,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
  MAX_32,
  STORED,
} from './signatures.ts'

/** Flags that decide what the bytes mean, and so must stand in both places. */
const BINDING_FLAGS = FLAG_ENCRYPTED | FLAG_DESCRIPTOR | FLAG_UTF8

/** Bytes of the local header that begins with these, of which at least 30 are given. */
export function localHeaderLength(bytes: Buffer, entry: EntryRef): number {
  if (bytes.readUInt32LE(0) !== LOCAL_HEADER) entry.refuse('is not where the directory says it is')
  return LOCAL_HEADER_BYTES + bytes.readUInt16LE(26) + bytes.readUInt16LE(28)
}

/**
 * Holds a local header (4.3.7) against the central directory: two readers must not see two files. Where a data
 * descriptor follows the bytes, sizes and checksum may be zero here.
 *
 * @throws LadingError `archive_malformed`.
 */
export function checkLocalHeader(bytes: Buffer, record: CentralRecord, entry: EntryRef): void {
  const nameEnd = LOCAL_HEADER_BYTES + bytes.readUInt16LE(26)
  if (!bytes.subarray(LOCAL_HEADER_BYTES, nameEnd).equals(record.nameBytes)) contradict('name', entry)
  if (((bytes.readUInt16LE(6) ^ record.flags) & BINDING_FLAGS) !== 0) contradict('flags', entry)
  if (bytes.readUInt16LE(8) !== (record.method === 'stored' ? STORED : DEFLATED)) contradict('method', entry)
  const [size, compressedSize] = sizesOf(bytes, bytes.subarray(nameEnd), entry)
  const mayBeZero = (record.flags & FLAG_DESCRIPTOR) !== 0
  const agrees = (here: number, there: number) => here === there || (mayBeZero && here === 0)
  if (!agrees(bytes.readUInt32LE(14), record.crc32)) contradict('CRC-32', entry)
  if (!agrees(size, record.size)) contradict('size', entry)
  if (!agrees(compressedSize, record.compressedSize)) contradict('compressed size', entry)
}

/** Here the zip64 field must have both (4.5.3), and some writers put zeros beside it for a descriptor to come. */
function sizesOf(bytes: Buffer, extra: Buffer, entry: EntryRef): [size: number, compressedSize: number] {
  const size = bytes.readUInt32LE(22)
  const compressedSize = bytes.readUInt32LE(18)
  if (size !== MAX_32 && compressedSize !== MAX_32) return [size, compressedSize]
  const wide = extraField(extra, EXTRA_ZIP64, entry)
  if (wide === undefined || wide.length < 16) return [size, compressedSize]
  return [
    size === MAX_32 ? readUInt64(wide, 0) : size,
    compressedSize === MAX_32 ? readUInt64(wide, 8) : compressedSize,
  ]
}

function contradict(what: string, entry: EntryRef): never {
  entry.refuse(`has one ${what} in the directory and another in its own header`)
}
