import type { DiskFile } from '@lading/client'

export interface Count {
  readonly files: number
  /** Of all of them. */
  readonly bytes: number
}

/** Walks all of it, so that what is not valid fails before anything is sent, and progress knows its end. */
export async function countFiles(files: AsyncIterable<DiskFile>, signal: AbortSignal): Promise<Count> {
  let count = 0
  let bytes = 0
  for await (const file of files) {
    signal.throwIfAborted()
    count += 1
    bytes += file.size
  }
  return { files: count, bytes }
}
