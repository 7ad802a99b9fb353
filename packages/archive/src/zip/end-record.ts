import { LadingError } from '@lading/protocol'
import { lastEndRecord } from './last-end-record.ts'
import { readUInt64 } from './safe-integer.ts'
import {
  CENTRAL_RECORD_BYTES,
  END_RECORD_BYTES,
  LOCAL_HEADER,
  MAX_16,
  MAX_32,
  ZIP64_END_RECORD,
  ZIP64_END_RECORD_BYTES,
  ZIP64_LOCATOR,
  ZIP64_LOCATOR_BYTES,
} from './signatures.ts'
import type { ReadAt } from './window.ts'

/** Where the central directory stands. */
export interface CentralDirectory {
  readonly entries: number
  readonly offset: number
  /** Where it ends, and an end record begins. */
  readonly end: number
}

/**
 * Finds the central directory by the end record (4.3.16), which is the last thing of the archive but for zeros, and by its zip64
 * counterpart (4.3.14). Nothing may lie between directory and end record, so that offsets are those of this archive.
 *
 * @throws LadingError `archive_incomplete`, `archive_malformed`.
 */
export async function findDirectory(read: ReadAt, size: number): Promise<CentralDirectory> {
  const tail = Buffer.allocUnsafeSlow(Math.min(size, ZIP64_LOCATOR_BYTES + END_RECORD_BYTES + MAX_16))
  await read(tail, size - tail.length)
  const found = lastEndRecord(tail)
  if (found === undefined) throw await noEndRecord(read, size)
  const { at, record } = found
  const offset = size - tail.length + at
  const locator = tail.subarray(Math.max(0, at - ZIP64_LOCATOR_BYTES), at)
  const isZip64 = locator.length === ZIP64_LOCATOR_BYTES && locator.readUInt32LE(0) === ZIP64_LOCATOR
  const claim = isZip64
    ? await readZip64(read, locator, record, offset - ZIP64_LOCATOR_BYTES)
    : { ...plainClaim(record), end: offset }
  return checked(claim)
}

interface Claim {
  readonly disks: readonly number[]
  readonly entriesHere: number
  readonly entries: number
  readonly length: number
  readonly offset: number
  /** Where an end record begins, and so the directory should end. */
  readonly end: number
}

function plainClaim(record: Buffer) {
  return {
    disks: [record.readUInt16LE(4), record.readUInt16LE(6)],
    entriesHere: record.readUInt16LE(8),
    entries: record.readUInt16LE(10),
    length: record.readUInt32LE(12),
    offset: record.readUInt32LE(16),
  }
}

/** What the plain record says as well must be the same, so that no two readers find two directories. */
async function readZip64(read: ReadAt, locator: Buffer, record: Buffer, locatorAt: number): Promise<Claim> {
  const offset = readUInt64(locator, 8)
  if (locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1)
    malformed('it is split over several disks')
  if (offset + ZIP64_END_RECORD_BYTES > locatorAt)
    malformed('its zip64 end record is not where it is said to be')
  const bytes = Buffer.allocUnsafe(ZIP64_END_RECORD_BYTES)
  await read(bytes, offset)
  if (bytes.readUInt32LE(0) !== ZIP64_END_RECORD || offset + 12 + readUInt64(bytes, 4) !== locatorAt) {
    malformed('its zip64 end record is not where it is said to be')
  }
  const claim = {
    disks: [bytes.readUInt32LE(16), bytes.readUInt32LE(20)],
    entriesHere: readUInt64(bytes, 24),
    entries: readUInt64(bytes, 32),
    length: readUInt64(bytes, 40),
    offset: readUInt64(bytes, 48),
    end: offset,
  }
  const plain = plainClaim(record)
  const agrees = (value: number, other: number, most: number) => value === most || value === other
  if (
    !agrees(plain.entries, claim.entries, MAX_16) ||
    !agrees(plain.length, claim.length, MAX_32) ||
    !agrees(plain.offset, claim.offset, MAX_32)
  ) {
    malformed('its two end records contradict each other')
  }
  return claim
}

function checked({ disks, entriesHere, entries, length, offset, end }: Claim): CentralDirectory {
  if (disks.some((disk) => disk !== 0 && disk !== MAX_16) || entriesHere !== entries) {
    malformed('it is split over several disks')
  }
  if (offset + length !== end) {
    malformed(
      `its directory is said to end at byte ${offset + length}, and ends at ${end}; send the bare zip`,
    )
  }
  if (entries * CENTRAL_RECORD_BYTES > length) malformed(`its directory is too short for ${entries} entries`)
  return { entries, offset, end }
}

async function noEndRecord(read: ReadAt, size: number): Promise<LadingError> {
  const start = Buffer.alloc(4)
  if (size >= start.length) await read(start, 0)
  return start.readUInt32LE(0) === LOCAL_HEADER
    ? new LadingError('archive_incomplete', 'The zip has no end record: it was cut; send it whole')
    : new LadingError('archive_malformed', 'The zip has no end record, and does not begin as a zip does')
}

function malformed(fault: string): never {
  throw new LadingError('archive_malformed', `The zip cannot be read: ${fault}`)
}
