import type { ArchiveEntry } from '../entry.ts'
import { entryPath } from '../entry-name.ts'
import type { EntryRef } from '../entry-ref.ts'
import { extraField } from './extra-fields.ts'
import { unixMode, zipEntryType } from './file-kind.ts'
import { zipName } from './names.ts'
import { readUInt64 } from './safe-integer.ts'
import {
  CENTRAL_RECORD,
  CENTRAL_RECORD_BYTES,
  DEFLATED,
  EXTRA_ZIP64,
  FLAG_ENCRYPTED,
  FLAG_MASKED,
  FLAG_PATCH,
  FLAG_STRONG_ENCRYPTION,
  MAX_16,
  MAX_32,
  STORED,
} from './signatures.ts'
import { modifiedMs } from './times.ts'

/** What the central directory says of an entry. */
export interface CentralRecord extends ArchiveEntry {
  readonly method: 'stored' | 'deflated'
  readonly compressedSize: number
  readonly crc32: number
  /** Permission bits, or undefined if the zip was not made on Unix. */
  readonly mode: number | undefined
  readonly flags: number
  readonly nameBytes: Buffer
  /** Where its local header begins. */
  readonly headerOffset: number
}

/** Bytes of the record that begins with these, of which at least 46 are given. */
export function recordLength(bytes: Buffer, entry: EntryRef): number {
  if (bytes.readUInt32LE(0) !== CENTRAL_RECORD) entry.refuse('is not where the directory should have it')
  return CENTRAL_RECORD_BYTES + bytes.readUInt16LE(28) + bytes.readUInt16LE(30) + bytes.readUInt16LE(32)
}

/**
 * Decodes a record of the central directory (4.3.12).
 *
 * @throws LadingError `archive_malformed`, `archive_entry_refused`.
 */
export function decodeCentralRecord(bytes: Buffer, entry: EntryRef): CentralRecord {
  const nameEnd = CENTRAL_RECORD_BYTES + bytes.readUInt16LE(28)
  const nameBytes = bytes.subarray(CENTRAL_RECORD_BYTES, nameEnd)
  const extra = bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(30))
  const flags = bytes.readUInt16LE(8)
  const madeBy = bytes.readUInt16LE(4)
  const name = zipName(nameBytes, flags, madeBy, extra, entry)
  const mode = unixMode(madeBy, bytes.readUInt32LE(38))
  const type = zipEntryType(name, mode, entry)
  checkFlags(flags, entry)
  const method = methodOf(bytes.readUInt16LE(10), entry)
  const numbers = numbersOf(bytes, extra, entry)
  checkSizes(type === 'directory', method, numbers, entry)
  const mtimeMs = modifiedMs(bytes.readUInt16LE(12), bytes.readUInt16LE(14), extra, entry)
  const path = entryPath(name, type === 'directory')
  if (path === '' && type === 'file') entry.refuse('has no name')
  return {
    ...numbers,
    path,
    type,
    method,
    crc32: bytes.readUInt32LE(16),
    mode: mode === 0 ? undefined : mode & 0o7777,
    mtimeMs,
    flags,
    nameBytes,
  }
}

function checkFlags(flags: number, entry: EntryRef): void {
  if ((flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED)) !== 0) {
    entry.refuse('is encrypted: pack without a password', 'archive_entry_refused')
  }
  if ((flags & FLAG_PATCH) !== 0) entry.refuse('is a patch to another file', 'archive_entry_refused')
}

function methodOf(method: number, entry: EntryRef): 'stored' | 'deflated' {
  if (method === STORED) return 'stored'
  if (method === DEFLATED) return 'deflated'
  const advice = 'pack with deflate, or without compression'
  entry.refuse(`is compressed by method ${method}: ${advice}`, 'archive_entry_refused')
}

interface Numbers {
  readonly size: number
  readonly compressedSize: number
  readonly headerOffset: number
}

/** The zip64 field holds, in this order, only those that do not fit their own place (4.5.3). */
function numbersOf(bytes: Buffer, extra: Buffer, entry: EntryRef): Numbers {
  const plain = [bytes.readUInt32LE(24), bytes.readUInt32LE(20), bytes.readUInt32LE(42)] as const
  const wide = extraField(extra, EXTRA_ZIP64, entry)
  let at = 0
  const [size, compressedSize, headerOffset] = plain.map((value) => {
    if (value !== MAX_32 || wide === undefined) return value
    if (at + 8 > wide.length) entry.refuse('has a zip64 field that is too short')
    at += 8
    return readUInt64(wide, at - 8)
  }) as [number, number, number]
  const disk = bytes.readUInt16LE(34)
  if (disk !== 0 && !(disk === MAX_16 && wide !== undefined && zip64Disk(wide, at) === 0)) {
    entry.refuse('lies on another disk')
  }
  return { size, compressedSize, headerOffset }
}

function zip64Disk(wide: Buffer, at: number): number | undefined {
  return at + 4 <= wide.length ? wide.readUInt32LE(at) : undefined
}

function checkSizes(
  isDirectory: boolean,
  method: 'stored' | 'deflated',
  { size, compressedSize }: Numbers,
  entry: EntryRef,
): void {
  if (isDirectory && size > 0) entry.refuse(`is a directory, with ${size} bytes of its own`)
  if (method === 'stored' && size !== compressedSize) {
    entry.refuse(`is stored as it is, yet has two sizes, ${size} and ${compressedSize}`)
  }
}
