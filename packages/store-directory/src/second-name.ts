import { type FileHandle, link, lstat, rm } from 'node:fs/promises'
import { hasErrno } from './errors.ts'

/** False, and nothing is left, when the file system cannot, or the name no longer leads to this very file. */
export async function linked(path: string, source: FileHandle, temporary: string): Promise<boolean> {
  try {
    await link(path, temporary)
  } catch (error) {
    if (hasErrno(error, ...UNLINKABLE)) return false
    throw error
  }
  const [name, file] = [await lstat(temporary, { bigint: true }), await source.stat({ bigint: true })]
  // Another inode: the object was replaced meanwhile, or is a symbolic link that someone put there.
  if (name.ino === file.ino && name.dev === file.dev) return true
  await rm(temporary)
  return false
}

/**
 * Another file system, one without hard links, a file that has as many as it can have, one that belongs to another user
 * (`fs.protected_hardlinks`), or one whose name has gone.
 */
const UNLINKABLE = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOENT']
