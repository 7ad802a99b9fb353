import { type ArchiveWriter, TarWriter, ZipWriter } from '@lading/archive'
import type { ArchiveFormat } from '@lading/protocol'

interface Format {
  readonly contentType: string
  /** Whether the archive goes through gzip as a whole. */
  readonly gzip: boolean
  readonly writer: () => ArchiveWriter
}

export const FORMATS: Readonly<Record<ArchiveFormat, Format>> = {
  tar: { contentType: 'application/x-tar', gzip: false, writer: () => new TarWriter() },
  'tar.gz': { contentType: 'application/gzip', gzip: true, writer: () => new TarWriter() },
  zip: { contentType: 'application/zip', gzip: false, writer: () => new ZipWriter() },
}
