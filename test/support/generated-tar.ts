import { TarWriter } from '@lading/archive'
import { type Content, content } from './system-content.ts'

export interface GeneratedFile {
  readonly path: string
  readonly file: Pick<Content, 'size' | 'chunks'>
}

const MTIME_MS = Date.UTC(2024, 1, 29)
const BATCH = 256 * 1024

/** Files of 0 to `most` bytes, each with a content of its own, a hundred to a directory. */
export function* smallFiles(count: number, most: number): Generator<GeneratedFile & { file: Content }> {
  for (let n = 0; n < count; n++) {
    yield {
      path: `part-${Math.floor(n / 100)}/${n}.bin`,
      file: content((n * 7919) % (most + 1), `small ${n}`),
    }
  }
}

/** The tar of the files, made as it is read: neither the tree nor the archive is anywhere. */
export function* tarOf(files: Iterable<GeneratedFile>): Generator<Buffer> {
  yield* batched(piecesOf(files))
}

function* piecesOf(files: Iterable<GeneratedFile>): Generator<Buffer> {
  const tar = new TarWriter()
  for (const { path, file } of files) {
    yield tar.header({ path, type: 'file', size: file.size, mode: 0o644, mtimeMs: MTIME_MS, crc32: 0 })
    yield* file.chunks()
    yield tar.padding(file.size)
  }
  yield* tar.trailer()
}

function* batched(pieces: Iterable<Buffer>): Generator<Buffer> {
  let batch: Buffer[] = []
  let bytes = 0
  for (const piece of pieces) {
    batch.push(piece)
    bytes += piece.length
    if (bytes < BATCH) continue
    yield Buffer.concat(batch)
    batch = []
    bytes = 0
  }
  yield Buffer.concat(batch)
}
