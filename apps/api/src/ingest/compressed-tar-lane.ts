import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { RATIO_FREE_BYTES } from '@lading/archive'
import { LadingError } from '@lading/protocol'
import type { ApiLimits } from '../config.ts'
import type { ApiContext } from '../context.ts'
import type { UploadCall } from './admission.ts'
import { directoryBelow } from './directory-below.ts'
import { INFLATION_OPTIONS, Inflation } from './inflation.ts'
import type { Lane } from './lane.ts'
import { checkHasContent, readUpload } from './read-upload.ts'
import { TarIntake } from './tar-intake.ts'

export type TarCompression = 'gzip' | 'zstd'

/** Memory for each request: what every decoder has for interoperability (RFC 8878, 3.1.1.1.2), 2^23 bytes. */
const ZSTD_OPTIONS = { ...INFLATION_OPTIONS, params: { [constants.ZSTD_d_windowLogMax]: 23 } }

/** A tar within gzip or zstd: inflated into the pack as it arrives. */
export function compressedTarLane(
  context: Pick<ApiContext, 'bodies' | 'config'>,
  call: UploadCall,
  compression: TarCompression,
): Lane {
  const { limits } = context.config
  return {
    files: limits.entries,
    check({ directory }) {
      checkHasContent(call, `a tar compressed by ${compression}`)
      directoryBelow(directory, call.query.artifact_path)
    },
    async receive(admission, intake) {
      const tar = new TarIntake(intake, directoryBelow(admission.directory, call.query.artifact_path), limits)
      let inflated = 0
      await using inflation = new Inflation(
        compression === 'gzip' ? createGunzip(INFLATION_OPTIONS) : createZstdDecompress(ZSTD_OPTIONS),
        { what: `the ${compression} stream`, cut: 'archive_incomplete' },
        (chunk) => {
          inflated += chunk.length
          checkInflated(inflated, inflation.given, limits)
          return tar.write(chunk)
        },
      )
      await readUpload(context, call, admission, (chunk) => inflation.write(chunk))
      await inflation.end()
      tar.end()
    },
  }
}

/** Fails with `archive_too_large`. */
function checkInflated(inflated: number, given: number, { archiveBytes, archiveRatio }: ApiLimits): void {
  if (inflated > archiveBytes) {
    throw new LadingError('archive_too_large', `the tar is longer than the limit of ${archiveBytes} bytes`)
  }
  if (inflated > Math.max(RATIO_FREE_BYTES, given * archiveRatio)) {
    throw new LadingError(
      'archive_too_large',
      `the tar is ${inflated} bytes from ${given}; the limit is a ratio of ${archiveRatio}`,
    )
  }
}
