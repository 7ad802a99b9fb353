import { NAME, PREFIX } from './layout.ts'

const SLASH = 0x2f

/**
 * A name as the two fields of a ustar header, which a slash joins: all in `name`, or cut at the first slash that leaves
 * no more than 100 bytes. Undefined if it does not fit. Characters beyond ASCII stand there as UTF-8, of which POSIX says
 * nothing: every reader of today takes them so, whereas libarchive composes the names (NFC) that it finds in a pax header.
 */
export function headerName(path: string): { name: Buffer; prefix: Buffer } | undefined {
  const bytes = Buffer.from(path)
  if (bytes.length <= NAME[1]) return { name: bytes, prefix: bytes.subarray(0, 0) }
  const slash = bytes.indexOf(SLASH, bytes.length - NAME[1] - 1)
  // A prefix and a name must not be empty; a directory's name ends in a slash, where it cannot be cut.
  if (slash <= 0 || slash > PREFIX[1] || slash === bytes.length - 1) return undefined
  return { name: bytes.subarray(slash + 1), prefix: bytes.subarray(0, slash) }
}
