/** A tar is blocks of this many bytes (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const BLOCK = 512

/** Where a field of a header block begins, and its length in bytes. */
export const NAME = [0, 100] as const
export const MODE = [100, 8] as const
export const UID = [108, 8] as const
export const GID = [116, 8] as const
export const SIZE = [124, 12] as const
export const MTIME = [136, 12] as const
export const CHECKSUM = [148, 8] as const
export const TYPE = 156
export const MAGIC = [257, 8] as const
export const PREFIX = [345, 155] as const

/** Magic and version of a header: POSIX, GNU tar before it followed POSIX, and none (Unix V7). */
export const USTAR_MAGIC = 'ustar\x0000'
export const GNU_MAGIC = 'ustar  \0'
export const V7_MAGIC = '\0'.repeat(8)

/** Bytes that fill up the last block of so many bytes. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}
