import { unlink } from 'node:fs/promises'
import { isAbsent, writeFault } from './spool-fault.ts'

/** Removes a file; one that is gone is success. Fails with `spool_unavailable`. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isAbsent(error)) throw writeFault(error)
  }
}
