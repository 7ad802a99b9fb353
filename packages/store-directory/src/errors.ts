import { type ErrorCode, LadingError } from '@lading/protocol'

/**
 * Turns what the file system threw into a row of the error table. `doing` names the operation and the object, by bucket
 * and key: clients read it, and where things lie on this machine is none of their business.
 */
export function classify(cause: unknown, doing: string): unknown {
  if (cause instanceof LadingError || !(cause instanceof Error)) return cause
  const errno = (cause as NodeJS.ErrnoException).code
  // Reasons of abort signals, and faults of this code, are not the file system's.
  if (errno === undefined || (cause as NodeJS.ErrnoException).syscall === undefined) return cause
  const [code, advice] = BY_ERRNO[errno] ?? LATER
  return new LadingError(code, `${doing} failed (${errno}). ${advice}`, { cause })
}

export async function classified<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw classify(error, doing)
  }
}

/** Nothing lies there, or a file where a directory would have to be. */
export function isAbsent(error: unknown): boolean {
  return hasErrno(error, 'ENOENT', 'ENOTDIR')
}

export function hasErrno(error: unknown, ...errnos: string[]): boolean {
  return error instanceof Error && errnos.includes((error as NodeJS.ErrnoException).code ?? '')
}

type Sentence = readonly [ErrorCode, string]

const LATER: Sentence = [
  'store_unavailable',
  'It will be tried again; if it lasts, check the disk of the store.',
]
const SPACE: Sentence = ['store_unavailable', 'Free space on the disk of the store; it will be tried again.']
const DENIED: Sentence = [
  'store_access_denied',
  'Give this process the right to read and write below the store.',
]
const NAME: Sentence = [
  'store_rejected',
  'The file system of the store takes no such name; use a shorter path.',
]
const NESTED: Sentence = [
  'store_rejected',
  'A file system cannot hold a file and, below its name, other files: delete one of the two, or use S3.',
]

const BY_ERRNO: Readonly<Record<string, Sentence>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
  ENOSPC: SPACE,
  EDQUOT: SPACE,
  ENAMETOOLONG: NAME,
  EINVAL: NAME,
  EILSEQ: NAME,
  EEXIST: NESTED,
  EISDIR: NESTED,
  ENOTDIR: NESTED,
  ENOTEMPTY: NESTED,
}
