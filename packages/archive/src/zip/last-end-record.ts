import { LadingError } from '@lading/protocol'
import { END_RECORD, END_RECORD_BYTES } from './signatures.ts'

const SIGNATURE = Buffer.alloc(4)
SIGNATURE.writeUInt32LE(END_RECORD)

/** The end record of a zip with its comment, and where in `tail` it begins. */
export interface EndRecordFound {
  readonly at: number
  readonly record: Buffer
}

/**
 * The last end record (4.3.16) in the last bytes of a zip; undefined if there is none. Nothing follows it and its comment, but
 * that zeros may follow one without a comment: bsdtar and `dd` fill the last block when they write to a pipe. No other end
 * record may claim the same end, for readers that mind the comment's length more than its place would take that one.
 *
 * @throws LadingError `archive_malformed`.
 */
export function lastEndRecord(tail: Buffer): EndRecordFound | undefined {
  const at = lastSignature(tail, tail.length)
  if (at === -1) return undefined
  const end = at + END_RECORD_BYTES + commentLength(tail, at)
  const isPadded = end === at + END_RECORD_BYTES && isZeros(tail.subarray(end))
  if ((end !== tail.length && !isPadded) || hasRival(tail, at)) {
    const fault = 'its end record is not the last thing: bytes follow it, or its comment looks like another'
    throw new LadingError('archive_malformed', `The zip cannot be read: ${fault}; send the zip alone`)
  }
  return { at, record: tail.subarray(at, end) }
}

/** Before `before`, and with room for a whole record; -1 if there is none. */
function lastSignature(tail: Buffer, before: number): number {
  const from = Math.min(before - 1, tail.length - END_RECORD_BYTES)
  return from < 0 ? -1 : tail.lastIndexOf(SIGNATURE, from)
}

function hasRival(tail: Buffer, at: number): boolean {
  for (let other = lastSignature(tail, at); other !== -1; other = lastSignature(tail, other)) {
    if (other + END_RECORD_BYTES + commentLength(tail, other) === tail.length) return true
  }
  return false
}

function commentLength(tail: Buffer, at: number): number {
  return tail.readUInt16LE(at + 20)
}

function isZeros(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0)
}
