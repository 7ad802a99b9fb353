import { LadingError } from '@lading/protocol'

/** What a file system says when there is no room: for data, for inodes, for this user, for a file of this size. */
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** A failed system call on the way into the spool: `spool_full`, or `spool_unavailable`. */
export function writeFault(cause: unknown): LadingError {
  if (cause instanceof LadingError) return cause
  const code = codeOf(cause)
  if (code !== undefined && NO_ROOM.has(code)) {
    return new LadingError(
      'spool_full',
      `temporary storage has no room left (${code}); send it again later`,
      { cause },
    )
  }
  return unavailable('write', cause)
}

/** A failed system call on the way out of the spool: `spool_lost`, or `spool_unavailable`. */
export function readFault(packId: string, cause: unknown): LadingError {
  if (cause instanceof LadingError) return cause
  if (codeOf(cause) !== 'ENOENT') return unavailable('read', cause)
  return new LadingError('spool_lost', `pack ${packId} is not in this spool`, { cause })
}

export function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

function unavailable(verb: string, cause: unknown): LadingError {
  return new LadingError('spool_unavailable', `cannot ${verb}: ${codeOf(cause) ?? String(cause)}`, { cause })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
