import { LadingError } from '@lading/protocol'
import type { ArchiveWriter, OutgoingEntry } from '../entry.ts'
import { OpenEntry } from '../open-entry.ts'
import { Pages } from './pages.ts'
import { encodeCentralRecord, encodeEndRecords, encodeLocalHeader } from './records.ts'

/** Bytes of a central directory that is kept until it is written: some 600,000 files of 40 bytes of path. */
const DIRECTORY_BYTES = 64 * 1024 ** 2

export interface ZipWriterOptions {
  /** Bytes of the central directory that may stand in memory; 64 MiB unless given. */
  readonly directoryBytes?: number
}

/**
 * Writes a zip of stored entries around bytes that it does not see (PKWARE APPNOTE.TXT 6.3.10): sizes and checksums are
 * known beforehand, so headers are final and no descriptor follows. Zip64 fields stand only where a number needs them.
 *
 * It keeps the central directory, since that comes last: about 60 bytes and the path for each entry, so 10 MB for 100,000.
 */
export class ZipWriter implements ArchiveWriter {
  readonly #open = new OpenEntry()
  readonly #directory = new Pages()
  readonly #directoryBytes: number
  #entries = 0
  #offset = 0

  constructor({ directoryBytes = DIRECTORY_BYTES }: ZipWriterOptions = {}) {
    this.#directoryBytes = directoryBytes
  }

  /** @throws LadingError `archive_too_large` if the central directory would outgrow its memory. */
  header(entry: OutgoingEntry): Buffer {
    this.#open.begin(entry)
    const header = encodeLocalHeader(entry)
    this.#directory.add(encodeCentralRecord(entry, this.#offset))
    if (this.#directory.length > this.#directoryBytes) {
      const detail = `The directory of the zip is larger than ${this.#directoryBytes} bytes; ask for a tar`
      throw new LadingError('archive_too_large', detail)
    }
    this.#entries++
    this.#offset += header.length + entry.size
    return header
  }

  padding(size: number): Buffer {
    this.#open.end(size)
    return NOTHING
  }

  /** The central directory, in pages of 64 KiB or less, and the end records. */
  trailer(): Iterable<Buffer> {
    this.#open.close()
    const end = encodeEndRecords(this.#entries, this.#offset, this.#directory.length)
    return [...this.#directory.pages(), end]
  }
}

const NOTHING = Buffer.alloc(0)
