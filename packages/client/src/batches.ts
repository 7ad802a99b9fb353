import { checkDirectory, checkPath } from './artifact-path.ts'
import { inOrder } from './in-order.ts'
import type { FileToLog } from './options.ts'
import { inMemory, type Source, sizeOf, sourceOf } from './source.ts'
import { type Tar, type TarEntry, tarOf } from './tar.ts'
import { naming } from './unreadable.ts'

/** What travels together: many small files as one tar, or a larger file alone. */
export type Batch = { readonly small: Tar } | { readonly path: string; readonly large: Source }

const SMALL_BYTES = 1024 * 1024
/**
 * A request has them three times: as they were read, as a tar, and as `fetch` sends it. V8 frees what was sent when 64 MiB
 * more have come; with these they are most of what a directory of any size takes. Larger batches are no quicker.
 */
const BATCH_BYTES = 4 * SMALL_BYTES
const BATCH_FILES = 1000
/** Files that are being read. */
const AHEAD = 16

/** The files of a directory in batches of at most 1,000 files and 5 MiB. Fails with `path_invalid`, `file_changed`. */
export async function* batchesOf(
  files: Iterable<FileToLog> | AsyncIterable<FileToLog>,
): AsyncGenerator<Batch> {
  let small: TarEntry[] = []
  let bytes = 0
  for await (const file of inOrder(files, AHEAD, read)) {
    if ('large' in file) {
      yield file
      continue
    }
    small.push(file)
    bytes += file.bytes.length
    if (small.length < BATCH_FILES && bytes < BATCH_BYTES) continue
    yield { small: tarOf(small) }
    small = []
    bytes = 0
  }
  if (small.length > 0) yield { small: tarOf(small) }
}

function read(file: FileToLog): Promise<TarEntry | { readonly path: string; readonly large: Source }> {
  return naming(file.path, async () => {
    const { path, mode = path.endsWith('/') ? 0o755 : 0o644, modifiedAt = new Date() } = file
    if (path.endsWith('/')) checkDirectory(path)
    else checkPath(path)
    const bytes = typeof file.bytes === 'function' ? await file.bytes() : (file.bytes ?? new Uint8Array())
    if (sizeOf(bytes) > SMALL_BYTES) return { path, large: sourceOf(bytes) }
    return { path, bytes: await inMemory(bytes), mode, modifiedAt }
  })
}
