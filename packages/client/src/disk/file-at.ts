import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { LadingError } from '../errors.ts'

/**
 * A file of the disk, to be logged; its bytes are read when they are sent. One that changes meanwhile fails to be read.
 * Fails with `not_a_file`, and as `stat` does.
 */
export async function fileAt(path: string): Promise<Blob> {
  if ((await stat(path)).isFile()) return await openAsBlob(path)
  throw new LadingError('not_a_file', `${path}: it is no file; a directory is logged by filesIn`)
}
