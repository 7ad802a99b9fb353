import type { AcceptedFile } from './catalog.ts'
import type { Bindings } from './database.ts'

/** A file as the columns of a statement have it. */
export interface FileColumns {
  readonly path: string
  readonly isDirectory: boolean
  readonly size: number
  readonly sha256: Buffer
  readonly crc32: number
  readonly blockCrcs: Buffer
  readonly packOffset: number
  readonly mode: number | null
  readonly mtime: Date | null
}

/** Rows `i` of a FROM clause: files with the ids that they were given, and `place`, from 1, in their order. */
export function fileColumns(
  rows: readonly (AcceptedFile & { readonly fileId: string; readonly workId: string })[],
): { readonly text: string; readonly bindings: Bindings } {
  return {
    text: `unnest(:fileIds::uuid[], :workIds::uuid[], :paths::text[], :areDirectories::boolean[], :sizes::bigint[],
       :sha256s::bytea[], :crc32s::bigint[], :blockCrcs::bytea[], :offsets::bigint[], :modes::int[], :mtimes::timestamptz[])
       WITH ORDINALITY AS i(file_id, work_id, path, is_directory, size, sha256, crc32, block_crcs, pack_offset, mode, mtime,
         place)`,
    bindings: {
      fileIds: rows.map((row) => row.fileId),
      workIds: rows.map((row) => row.workId),
      paths: rows.map((row) => row.path),
      areDirectories: rows.map((row) => row.type === 'directory'),
      sizes: rows.map((row) => row.size),
      sha256s: rows.map((row) => Buffer.from(row.sha256, 'hex')),
      crc32s: rows.map((row) => row.crc32),
      blockCrcs: rows.map((row) => row.blockCrcs),
      offsets: rows.map((row) => row.packOffset),
      modes: rows.map((row) => row.mode ?? null),
      mtimes: rows.map((row) => row.mtime ?? null),
    },
  }
}
