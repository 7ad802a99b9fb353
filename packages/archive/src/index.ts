export type { ArchiveEntry, ArchiveWriter, EntryType, OutgoingEntry } from './entry.ts'
export { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type ZipLimits } from './limits.ts'
export { type TarEntry, type TarHandler, TarIndexer } from './tar/indexer.ts'
