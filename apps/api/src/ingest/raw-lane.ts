import { type ArtifactPath, formatKey, joinArtifactPath } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Request } from 'express'
import type { ApiContext } from '../context.ts'
import { checkPathSize } from '../path-limits.ts'
import type { UploadCall } from './admission.ts'
import { tooLarge } from './intake.ts'
import type { Lane } from './lane.ts'
import { readUpload } from './read-upload.ts'

type Needs = Pick<ApiContext, 'catalog' | 'bodies' | 'config'>

/** The body is the file. One of no bytes is an empty file. */
export function rawLane(context: Needs, call: UploadCall, given: ArtifactPath): Lane {
  const { catalog, config } = context
  const { limits } = config
  return {
    files: 1,
    isFile: true,
    async check({ run, directory, length }) {
      const path = joinArtifactPath(directory, given)
      checkWhole(call.request)
      checkType(call.request)
      if ((length ?? 0) > limits.fileBytes) throw tooLarge(path, limits.fileBytes)
      checkPathSize(path, limits)
      formatKey({ scheme: config.locations.scheme.scheme, ...run.location }, path)
      await catalog.uploads.checkPaths(run, [path])
    },
    async receive(admission, intake) {
      intake.begin(joinArtifactPath(admission.directory, given))
      await readUpload(context, call, admission, (chunk) => {
        intake.data(chunk)
        return intake.takeWait()
      })
      intake.end()
    },
  }
}

/** A server that cannot take a part of a file, or only under a condition, must not take it for the whole. */
function checkWhole(request: Request): void {
  for (const name of ['content-range', 'if-match', 'if-none-match', 'if-unmodified-since']) {
    if (request.headers[name] !== undefined) {
      throw new LadingError(
        'bad_request',
        `${name}: not supported on uploads; send the whole file without it`,
      )
    }
  }
}

function checkType(request: Request): void {
  const type = (request.headers['content-type'] ?? '').trim().toLowerCase()
  if (!type.startsWith('multipart/')) return
  throw new LadingError(
    'unsupported_media_type',
    'Content-Type: the body of this PUT is the file itself; send its bytes, or send the form to log-artifact by POST',
  )
}
