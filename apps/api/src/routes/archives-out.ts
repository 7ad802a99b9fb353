import type { ErrorCode } from '@lading/protocol'

const BINARY = { schema: { type: 'string' as const, format: 'binary' } }

/** What the document says of archives, wherever a directory can be had as one. */
export const ARCHIVES_OUT = {
  description:
    'With `archive`, all that lies below the directory is streamed as one archive, with names relative to it, modes and times where ' +
    'they are known (0644 and the time of storing where not), and directories that came empty. It shows each page of the ' +
    'catalog as it is when it is read. A file that is replaced or deleted between that and its turn, or that the store cannot ' +
    'give whole, ends the answer before its end: its framing is cut, a tar has no trailer, a zip no directory. Ask again then.',
  content: {
    'application/x-tar': BINARY,
    'application/gzip': BINARY,
    'application/zip': BINARY,
  },
}

/** What the store may answer before the first bytes are sent. */
export const ARCHIVE_ERRORS: readonly ErrorCode[] = [
  'store_unavailable',
  'store_access_denied',
  'store_object_missing',
]
