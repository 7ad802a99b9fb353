import { BLOCK, CHECKSUM } from './layout.ts'

const [FROM, LENGTH] = CHECKSUM

/** The sum of a header's bytes, its checksum counted as spaces: unsigned, as POSIX has it. 256 if the block is all zeros. */
export function unsignedChecksum(block: Buffer): number {
  let sum = LENGTH * 0x20
  for (let at = 0; at < FROM; at++) sum += block[at] as number
  for (let at = FROM + LENGTH; at < BLOCK; at++) sum += block[at] as number
  return sum
}

/** The same over signed bytes, as some early Unix systems had it; both are taken by GNU tar and libarchive. */
export function signedChecksum(block: Buffer): number {
  let sum = LENGTH * 0x20
  for (let at = 0; at < BLOCK; at++) {
    if (at < FROM || at >= FROM + LENGTH) sum += ((block[at] as number) << 24) >> 24
  }
  return sum
}

/** Whether every byte of a block is zero. */
export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < BLOCK; at++) if (block[at] !== 0) return false
  return true
}
