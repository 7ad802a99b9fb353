import type { ArtifactPath } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiLimits } from './config.ts'

/** Fails with `path_invalid` for a path that is a good one, and longer or deeper than this server takes. */
export function checkPathSize(path: ArtifactPath, { pathBytes, pathDepth }: ApiLimits): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > pathBytes) throw refused(path, `has ${bytes} bytes of UTF-8; the limit here is ${pathBytes}`)
  const depth = path.split('/').length
  if (depth > pathDepth) throw refused(path, `has ${depth} segments; the limit here is ${pathDepth}`)
}

function refused(path: ArtifactPath, reason: string): LadingError {
  return new LadingError('path_invalid', `path: ${JSON.stringify(path)} ${reason}`)
}
