import { LadingError } from '@lading/protocol'
import type { ArchiveEntry } from '../entry.ts'
import { EntryRef } from '../entry-ref.ts'
import { RATIO_FREE_BYTES, type ZipLimits } from '../limits.ts'
import { type CentralRecord, decodeCentralRecord, recordLength } from './central-record.ts'
import { type CentralDirectory, findDirectory } from './end-record.ts'
import { checkLocalHeader, localHeaderLength } from './local-header.ts'
import { CENTRAL_RECORD_BYTES, LOCAL_HEADER_BYTES } from './signatures.ts'
import { Spans } from './spans.ts'
import { type ReadAt, Window } from './window.ts'

export interface ZipEntry extends ArchiveEntry {
  /** Permission bits, or undefined if the zip was not made on Unix. */
  readonly mode: number | undefined
  /** How the bytes stand in the archive: as they are, or by raw deflate (RFC 1951). */
  readonly method: 'stored' | 'deflated'
  /** Bytes in the archive; of a stored file, its size. */
  readonly compressedSize: number
  /** CRC-32 of the file, unsigned, as the archive declares it. Nothing here has seen the bytes. */
  readonly crc32: number
  /** Where in the archive the first of its bytes stands. */
  readonly offset: number
}

/**
 * Reads the directory of a zip (PKWARE APPNOTE.TXT 6.3.10, with zip64 and data descriptors) of `size` bytes, and holds
 * each entry's own header against it.
 *
 * What the directory alone can tell is checked before the first entry is given out; that an entry's header agrees with
 * it, and that it shares no byte with another, before that entry is. The root (`./`) is passed over. Size and CRC-32
 * are claims until the bytes are read: who inflates must stop at `size`.
 *
 * Memory: at most 500 KiB, and 8 bytes an entry. The directory is read twice, in its order.
 *
 * @throws LadingError `archive_malformed`, `archive_incomplete`, `archive_entry_refused`, `archive_too_large`; and
 *   whatever `read` throws.
 */
export async function* readZipDirectory(
  read: ReadAt,
  size: number,
  limits: ZipLimits,
): AsyncGenerator<ZipEntry, void, undefined> {
  const directory = await findDirectory(read, size)
  if (directory.entries > limits.entries) {
    const detail = `The zip has ${directory.entries} entries; the limit is ${limits.entries}: send it in parts`
    throw new LadingError('archive_too_large', detail)
  }
  const spans = await survey(read, directory, size, limits)
  const headers = new Window(read, directory.offset)
  for await (const { record, entry } of recordsOf(read, directory)) {
    const offset = await dataOffset(headers, directory, record, entry)
    spans.check(record, offset + record.compressedSize, entry)
    if (record.path !== '') yield zipEntry(record, offset)
  }
}

/** Goes through the whole directory once. */
async function survey(
  read: ReadAt,
  directory: CentralDirectory,
  size: number,
  limits: ZipLimits,
): Promise<Spans> {
  const spans = new Spans(directory.entries, directory.offset)
  const most = Math.min(limits.bytes, Math.max(RATIO_FREE_BYTES, limits.ratio * size))
  let bytes = 0
  for await (const { record, entry } of recordsOf(read, directory)) {
    bytes += record.size
    if (bytes > limits.bytes) {
      const fault = `brings the files to ${bytes} bytes unpacked; the limit is ${limits.bytes}`
      entry.refuse(fault, 'archive_too_large')
    }
    if (bytes > most) {
      const fault = `brings the files to ${bytes} bytes unpacked, from ${size}; the limit is a ratio of ${limits.ratio}`
      entry.refuse(fault, 'archive_too_large')
    }
    spans.add(record.headerOffset)
  }
  spans.sort()
  return spans
}

async function* recordsOf(
  read: ReadAt,
  { entries, offset, end }: CentralDirectory,
): AsyncGenerator<{ record: CentralRecord; entry: EntryRef }, void, undefined> {
  const window = new Window(read, end)
  let at = offset
  for (let index = 1; index <= entries; index++) {
    const entry = new EntryRef(index)
    if (at + CENTRAL_RECORD_BYTES > end) entry.refuse('does not fit the directory')
    const fixed = window.held(at, CENTRAL_RECORD_BYTES) ?? (await window.load(at, CENTRAL_RECORD_BYTES))
    const length = recordLength(fixed, entry)
    if (at + length > end) entry.refuse('does not fit the directory')
    const bytes = window.held(at, length) ?? (await window.load(at, length))
    yield { record: decodeCentralRecord(bytes, entry), entry }
    at += length
  }
  if (at !== end) {
    const detail = `The directory of the zip has ${entries} entries in ${at - offset} of its ${end - offset} bytes`
    throw new LadingError('archive_malformed', detail)
  }
}

/** Reads and checks the local header; returns where it ends, which only it can tell. */
async function dataOffset(
  window: Window,
  directory: CentralDirectory,
  record: CentralRecord,
  entry: EntryRef,
): Promise<number> {
  const at = record.headerOffset
  if (at + LOCAL_HEADER_BYTES > directory.offset) entry.refuse('is not where the directory says it is')
  const fixed = window.held(at, LOCAL_HEADER_BYTES) ?? (await window.load(at, LOCAL_HEADER_BYTES))
  const length = localHeaderLength(fixed, entry)
  if (at + length > directory.offset) entry.refuse('does not fit the archive')
  checkLocalHeader(window.held(at, length) ?? (await window.load(at, length)), record, entry)
  return at + length
}

function zipEntry(record: CentralRecord, offset: number): ZipEntry {
  const { path, type, size, mtimeMs, mode, method, compressedSize, crc32 } = record
  return { path, type, size, mtimeMs, mode, method, compressedSize, crc32, offset }
}
