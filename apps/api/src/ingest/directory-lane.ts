import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import type { UploadCall } from './admission.ts'
import { compressedTarLane } from './compressed-tar-lane.ts'
import { formLane } from './form-lane.ts'
import type { Lane } from './lane.ts'
import { tarLane } from './tar-lane.ts'
import { zipLane } from './zip-lane.ts'

type Needs = Pick<ApiContext, 'bodies' | 'config' | 'spool'>

/** The types that are registered come first (gzip: RFC 6713, zstd: RFC 8878), then what programs send instead. */
export const ARCHIVE_TYPES = [
  'application/x-tar',
  'application/tar',
  'application/gzip',
  'application/x-gzip',
  'application/zstd',
  'application/zip',
  'application/x-zip-compressed',
] as const

/** How a directory comes, by the type of the body. Fails with `unsupported_media_type`. */
export function directoryLane(context: Needs, call: UploadCall): Lane {
  const type = mediaTypeOf(call)
  switch (type) {
    case 'multipart/form-data':
      return formLane(context, call, context.config.limits.entries)
    case 'application/x-tar':
    case 'application/tar':
      return tarLane(context, call)
    case 'application/gzip':
    case 'application/x-gzip':
      return compressedTarLane(context, call, 'gzip')
    case 'application/zstd':
      return compressedTarLane(context, call, 'zstd')
    case 'application/zip':
    case 'application/x-zip-compressed':
      return zipLane(context, call)
    default:
      throw new LadingError(
        'unsupported_media_type',
        `Content-Type: this address takes multipart/form-data, ${ARCHIVE_TYPES.join(', ')}`,
      )
  }
}

function mediaTypeOf({ request }: UploadCall): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}
