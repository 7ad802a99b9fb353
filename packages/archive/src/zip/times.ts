import type { EntryRef } from '../entry-ref.ts'
import { isTimeInRange } from '../mtime.ts'
import { extraField } from './extra-fields.ts'
import { EXTRA_NTFS, EXTRA_TIME } from './signatures.ts'

/** Milliseconds from 1601 to 1970. */
const NTFS_EPOCH_MS = 11_644_473_600_000

/**
 * When an entry was modified, in milliseconds since 1970: by Info-ZIP's universal time, else by NTFS, else by the DOS
 * fields, which have no time zone and are taken as UTC.
 */
export function modifiedMs(dosTime: number, dosDate: number, extra: Buffer, entry: EntryRef): number {
  const unix = extraField(extra, EXTRA_TIME, entry)
  if (unix !== undefined && unix.length >= 5 && ((unix[0] as number) & 1) === 1)
    return unix.readInt32LE(1) * 1000
  const ntfs = ntfsMs(extraField(extra, EXTRA_NTFS, entry))
  if (ntfs !== undefined && isTimeInRange(ntfs)) return ntfs
  return dosMs(dosTime, dosDate)
}

/** Four reserved bytes, then tag 1 with three times in units of 100 ns (4.5.5). */
function ntfsMs(field: Buffer | undefined): number | undefined {
  if (field === undefined || field.length < 16 || field.readUInt16LE(4) !== 1) return undefined
  return Number(field.readBigUInt64LE(8) / 10_000n) - NTFS_EPOCH_MS
}

/** 4.4.6. Writers that know no time leave zeros, which are no date: the first of 1980 is meant. */
function dosMs(time: number, date: number): number {
  const month = Math.max(1, (date >> 5) & 15)
  const day = Math.max(1, date & 31)
  return Date.UTC(1980 + (date >> 9), month - 1, day, time >> 11, (time >> 5) & 63, (time & 31) * 2)
}

/** The DOS fields of a time, in UTC, within the years 1980 to 2107 that they can tell. */
export function dosFields(ms: number): { time: number; date: number } {
  const at = new Date(Math.min(Math.max(ms, Date.UTC(1980, 0, 1)), Date.UTC(2107, 11, 31, 23, 59, 58)))
  return {
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
  }
}
