/** An entry of an archive that is read, as far as tar and zip agree. */
export interface ArchiveEntry {
  /**
   * The name as it stands in the archive, but without a leading `./` and a directory's trailing `/`. Never empty.
   * Nothing else is checked: it may be absolute, lead out by `..`, or appear twice.
   */
  readonly path: string
  readonly type: EntryType
  /** Bytes of the file; 0 for a directory. */
  readonly size: number
  /** When it was last modified: milliseconds since 1970, whole, within the years 1 to 9999. */
  readonly mtimeMs: number
}

export type EntryType = 'file' | 'directory'

/** An entry of an archive that is written. */
export interface OutgoingEntry extends ArchiveEntry {
  /** Permission bits, such as 0o644. */
  readonly mode: number
  /** CRC-32 of the file's bytes, unsigned; 0 for a directory. zip needs it beforehand, tar not at all. */
  readonly crc32: number
}

/** Writes what stands around the bytes of files, which never pass through it. */
export interface ArchiveWriter {
  /** What comes before the entry's bytes. A directory has none, and is ended by `padding(0)` as well. */
  header(entry: OutgoingEntry): Buffer
  /** What comes after the entry's bytes, often nothing; `size` is how many the caller has sent. */
  padding(size: number): Buffer
  /** The end of the archive, in order. Without it, readers take the archive for a cut one. */
  trailer(): Iterable<Buffer>
}
