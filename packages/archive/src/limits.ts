/** What an archive may hold. Lengths of paths, and of one file, are the caller's to refuse, as entries come by. */
export interface ArchiveLimits {
  /** Entries, files and directories together. */
  readonly entries: number
  /** Bytes of all files together, unpacked. */
  readonly bytes: number
}

export interface ZipLimits extends ArchiveLimits {
  /**
   * Bytes unpacked for each byte of the archive. Deflate reaches 1,032, on zeros; what people send stays below 20.
   * It binds above `RATIO_FREE_BYTES`.
   */
  readonly ratio: number
}

export const DEFAULT_ARCHIVE_LIMITS: ZipLimits = {
  entries: 200_000,
  bytes: 1024 ** 4,
  ratio: 200,
}

/** Bytes unpacked that no ratio forbids: a small file of zeros is no bomb. */
export const RATIO_FREE_BYTES = 16 * 1024 ** 2

/** Bytes of one pax or GNU long name header of a tar: what stands in memory at once. */
export const EXTENSION_BYTES = 1024 ** 2
