import type { OutgoingEntry } from '../entry.ts'
import {
  CENTRAL_RECORD,
  CENTRAL_RECORD_BYTES,
  END_RECORD,
  END_RECORD_BYTES,
  EXTRA_TIME,
  EXTRA_ZIP64,
  FLAG_UTF8,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
  MAX_16,
  MAX_32,
  STORED,
  ZIP64_END_RECORD,
  ZIP64_END_RECORD_BYTES,
  ZIP64_LOCATOR,
  ZIP64_LOCATOR_BYTES,
} from './signatures.ts'
import { dosFields } from './times.ts'

/** Version 4.5 has zip64, 2.0 has directories (4.4.3.2). */
const ZIP64_VERSION = 45
const PLAIN_VERSION = 20
/** In the upper byte of "version made by": the external attributes hold a Unix mode. */
const MADE_ON_UNIX = 3 << 8
/** MS-DOS's attribute of a directory. */
const DOS_DIRECTORY = 0x10

/** A local header (4.3.7). */
export function encodeLocalHeader(entry: OutgoingEntry): Buffer {
  const name = nameOf(entry)
  const extra = Buffer.concat([
    zip64Field(isWide(entry.size) ? [entry.size, entry.size] : []),
    timeField(entry),
  ])
  const head = Buffer.alloc(LOCAL_HEADER_BYTES)
  head.writeUInt32LE(LOCAL_HEADER, 0)
  writeCommon(head, 4, entry, name, extra)
  return Buffer.concat([head, name, extra])
}

/** A record of the central directory (4.3.12); `offset` is that of the local header. */
export function encodeCentralRecord(entry: OutgoingEntry, offset: number): Buffer {
  const name = nameOf(entry)
  const sizes = isWide(entry.size) ? [entry.size, entry.size] : []
  const extra = Buffer.concat([zip64Field(isWide(offset) ? [...sizes, offset] : sizes), timeField(entry)])
  const head = Buffer.alloc(CENTRAL_RECORD_BYTES)
  head.writeUInt32LE(CENTRAL_RECORD, 0)
  head.writeUInt16LE(MADE_ON_UNIX | ZIP64_VERSION, 4)
  writeCommon(head, 6, entry, name, extra)
  head.writeUInt32LE(externalAttributes(entry), 38)
  head.writeUInt32LE(Math.min(offset, MAX_32), 42)
  return Buffer.concat([head, name, extra])
}

/** The end record (4.3.16), after its zip64 counterpart and that one's locator (4.3.14, 4.3.15) if they are needed. */
export function encodeEndRecords(entries: number, offset: number, length: number): Buffer {
  const plain = Buffer.alloc(END_RECORD_BYTES)
  plain.writeUInt32LE(END_RECORD, 0)
  plain.writeUInt16LE(Math.min(entries, MAX_16), 8)
  plain.writeUInt16LE(Math.min(entries, MAX_16), 10)
  plain.writeUInt32LE(Math.min(length, MAX_32), 12)
  plain.writeUInt32LE(Math.min(offset, MAX_32), 16)
  if (entries < MAX_16 && !isWide(length) && !isWide(offset)) return plain
  return Buffer.concat([zip64EndRecord(entries, offset, length), zip64Locator(offset + length), plain])
}

function zip64EndRecord(entries: number, offset: number, length: number): Buffer {
  const record = Buffer.alloc(ZIP64_END_RECORD_BYTES)
  record.writeUInt32LE(ZIP64_END_RECORD, 0)
  record.writeBigUInt64LE(BigInt(ZIP64_END_RECORD_BYTES - 12), 4)
  record.writeUInt16LE(MADE_ON_UNIX | ZIP64_VERSION, 12)
  record.writeUInt16LE(ZIP64_VERSION, 14)
  for (const [at, value] of [
    [24, entries],
    [32, entries],
    [40, length],
    [48, offset],
  ] as const) {
    record.writeBigUInt64LE(BigInt(value), at)
  }
  return record
}

function zip64Locator(offset: number): Buffer {
  const locator = Buffer.alloc(ZIP64_LOCATOR_BYTES)
  locator.writeUInt32LE(ZIP64_LOCATOR, 0)
  locator.writeBigUInt64LE(BigInt(offset), 8)
  locator.writeUInt32LE(1, 16)
  return locator
}

/** What a local header and a central record have in common, from "version needed to extract" on. */
function writeCommon(head: Buffer, at: number, entry: OutgoingEntry, name: Buffer, extra: Buffer): void {
  const { time, date } = dosFields(entry.mtimeMs)
  const size = Math.min(entry.size, MAX_32)
  head.writeUInt16LE(hasZip64(extra) ? ZIP64_VERSION : PLAIN_VERSION, at)
  head.writeUInt16LE(FLAG_UTF8, at + 2)
  head.writeUInt16LE(STORED, at + 4)
  head.writeUInt16LE(time, at + 6)
  head.writeUInt16LE(date, at + 8)
  head.writeUInt32LE(entry.crc32, at + 10)
  head.writeUInt32LE(size, at + 14)
  head.writeUInt32LE(size, at + 18)
  head.writeUInt16LE(name.length, at + 22)
  head.writeUInt16LE(extra.length, at + 24)
}

/** The zip64 field is written first. */
function hasZip64(extra: Buffer): boolean {
  return extra.length > 0 && extra.readUInt16LE(0) === EXTRA_ZIP64
}

function nameOf({ path, type }: OutgoingEntry): Buffer {
  return Buffer.from(type === 'directory' ? `${path}/` : path)
}

function externalAttributes({ type, mode }: OutgoingEntry): number {
  const high = (type === 'directory' ? 0o040000 : 0o100000) | (mode & 0o7777)
  return ((high << 16) | (type === 'directory' ? DOS_DIRECTORY : 0)) >>> 0
}

function isWide(value: number): boolean {
  return value >= MAX_32
}

function zip64Field(values: readonly number[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0)
  const field = Buffer.alloc(4 + 8 * values.length)
  field.writeUInt16LE(EXTRA_ZIP64, 0)
  field.writeUInt16LE(8 * values.length, 2)
  for (const [index, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * index)
  return field
}

/** Info-ZIP's universal time: seconds since 1970, signed, of 32 bits. Beyond those, readers have the DOS fields alone. */
function timeField({ mtimeMs }: OutgoingEntry): Buffer {
  const seconds = Math.floor(mtimeMs / 1000)
  if (seconds !== (seconds | 0)) return Buffer.alloc(0)
  const field = Buffer.alloc(9)
  field.writeUInt16LE(EXTRA_TIME, 0)
  field.writeUInt16LE(5, 2)
  field[4] = 1
  field.writeInt32LE(seconds, 5)
  return field
}
