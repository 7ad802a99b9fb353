import { type ArtifactPath, decodeUrlPath } from '@lading/core'
import type { Request } from 'express'
import { pathOf } from '../request-target.ts'

const PREFIX = /^\/api\/v1\/experiments\/runs\/[^/]+\/artifacts\//

/** The artifact's path, decoded once from the target as it came: what the router decodes would lose `%2F`. */
export function artifactPathOf(request: Request): ArtifactPath {
  return decodeUrlPath(rawPathOf(request))
}

/** As `artifactPathOf`, where a directory is meant: one slash may stand at its end. */
export function directoryPathOf(request: Request): ArtifactPath {
  return decodeUrlPath(rawPathOf(request).replace(/(?:\/|%2f)$/i, ''))
}

function rawPathOf(request: Request): string {
  return pathOf(request.originalUrl).replace(PREFIX, '')
}
