import { checkPath, type DiskFile } from '@lading/client'

export interface Count {
  readonly files: number
  /** Of all of them. */
  readonly bytes: number
}

/**
 * Walks all of it, so that what is not valid fails before anything is sent, and progress knows its end. `directory` is
 * that of the run. Fails with `path_invalid`, and as the walk does.
 */
export async function countFiles(
  files: AsyncIterable<DiskFile>,
  directory: string,
  signal: AbortSignal,
): Promise<Count> {
  const prefix = directory === '' || directory.endsWith('/') ? directory : `${directory}/`
  let count = 0
  let bytes = 0
  for await (const file of files) {
    signal.throwIfAborted()
    checkPath(prefix + file.path.replace(/(?<=.)\/$/, ''))
    count += 1
    bytes += file.size
  }
  return { files: count, bytes }
}
