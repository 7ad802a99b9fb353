import { unsignedChecksum } from './checksum.ts'
import {
  BLOCK,
  CHECKSUM,
  GID,
  MAGIC,
  MODE,
  MTIME,
  NAME,
  PREFIX,
  SIZE,
  TYPE,
  UID,
  USTAR_MAGIC,
} from './layout.ts'

export interface HeaderFields {
  readonly type: '0' | '5' | 'x'
  /** At most 100 bytes. */
  readonly name: Buffer
  /** At most 155 bytes. */
  readonly prefix: Buffer
  readonly size: number
  readonly mode: number
  /** Seconds since 1970. */
  readonly mtime: number
}

/** A ustar header (POSIX.1-2017, pax). Owner and group are 0, without names: they say nothing on another machine. */
export function encodeHeader({ type, name, prefix, size, mode, mtime }: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK)
  name.copy(block, NAME[0])
  prefix.copy(block, PREFIX[0])
  writeOctal(block, MODE, mode)
  writeOctal(block, UID, 0)
  writeOctal(block, GID, 0)
  writeOctal(block, SIZE, size)
  writeOctal(block, MTIME, mtime)
  block.write(type, TYPE, 'latin1')
  block.write(USTAR_MAGIC, MAGIC[0], 'latin1')
  // Six digits, NUL and a space: the one field with an ending of its own.
  block.write(`${octal(unsignedChecksum(block), 6)}\0 `, CHECKSUM[0], 'latin1')
  return block
}

/** Whether a number fits a field of 12 bytes: eleven octal digits, which is 8 GiB less one byte, or the year 2242. */
export function fitsOctal(value: number): boolean {
  return value >= 0 && value <= 0o77777777777
}

function writeOctal(block: Buffer, [at, length]: readonly [number, number], value: number): void {
  block.write(octal(value, length - 1), at, 'latin1')
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
