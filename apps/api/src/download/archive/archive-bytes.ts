import { createHash, type Hash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import type { ArchiveWriter } from '@lading/archive'
import type { RunRef } from '@lading/catalog'
import type { ArtifactDirectory } from '@lading/core'
import { type ArchiveFormat, LadingError } from '@lading/protocol'
import type { ApiContext } from '../../context.ts'
import { type AheadLimits, ahead } from './ahead.ts'
import { batches } from './batches.ts'
import { type Entry, entriesBelow } from './entries.ts'
import { FORMATS } from './formats.ts'
import { isLast, isWhole, type Piece, piecesOf } from './pieces.ts'

/** What one archive reads ahead: requests enough to hide the way to the store, and leave sockets to others; bytes in memory. */
const AHEAD: AheadLimits = { count: 32, weight: 8 * 1024 * 1024 }
/** Bytes that are written to the client at once, unless the end comes first. */
const BATCH_BYTES = 128 * 1024

/**
 * The directory as an archive. The end that readers know it by (a tar's trailer, a zip's directory, gzip's checksum) comes
 * only after every file was found to be what the catalog says; otherwise it throws before. Memory is bounded by what is
 * read ahead, whatever lies in the directory; a zip's directory is kept besides (see `ZipWriter`).
 */
export async function* archiveBytes(
  context: Pick<ApiContext, 'catalog' | 'store'>,
  { run, directory }: { run: RunRef; directory: ArtifactDirectory },
  format: ArchiveFormat,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { writer, gzip } = FORMATS[format]
  const pieces = ahead(
    piecesOf(entriesBelow(context, run, directory)),
    { weightOf: ({ length }) => length, work: readPiece },
    AHEAD,
    signal,
  )
  const bytes = batches(framed(writer(), pieces), BATCH_BYTES)
  yield* gzip ? gzipped(bytes) : bytes
}

type ReadPiece = Piece & { readonly chunks: readonly Buffer[] }

async function readPiece(piece: Piece, signal: AbortSignal): Promise<ReadPiece> {
  const { entry, start, length } = piece
  const range = isWhole(piece) ? undefined : { start, end: start + length - 1 }
  return { ...piece, chunks: (await entry.source?.read(range, length, signal)) ?? [] }
}

async function* framed(writer: ArchiveWriter, pieces: AsyncIterable<ReadPiece>): AsyncGenerator<Buffer> {
  let hash: Hash | undefined
  for await (const piece of pieces) {
    const { entry, start, chunks } = piece
    hash = start === 0 ? createHash('sha256') : hash
    for (const chunk of chunks) hash?.update(chunk)
    if (isLast(piece)) checkDigest(entry, hash?.digest('hex'))
    if (start === 0) yield writer.header(entry.outgoing)
    yield* chunks
    if (isLast(piece)) yield writer.padding(entry.outgoing.size)
  }
  yield* writer.trailer()
}

function checkDigest({ source }: Entry, sha256: string | undefined): void {
  if (source === undefined || source.artifact.sha256 === sha256) return
  const { path } = source.artifact
  const detail = `the object of ${JSON.stringify(path)} is not the artifact of the catalog: its SHA-256 is another`
  throw new LadingError('store_object_mismatch', detail)
}

/** At gzip's fastest: models hardly shrink, and whoever waits for the archive waits for its compression. */
async function* gzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: BATCH_BYTES })
  // What fails in it fails the reading of `gzip` too.
  pipeline(chunks, gzip).catch(() => undefined)
  yield* gzip as AsyncIterable<Buffer>
}
