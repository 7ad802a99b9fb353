import { type ArtifactPath, decodeUrlPath } from '@lading/core'
import type { Request } from 'express'
import { pathOf } from '../request-target.ts'

const PREFIX = /^\/api\/v1\/experiments\/runs\/[^/]+\/artifacts\//

/** The artifact's path, decoded once from the target as it came: what the router decodes would lose `%2F`. */
export function artifactPathOf(request: Request): ArtifactPath {
  return decodeUrlPath(pathOf(request.originalUrl).replace(PREFIX, ''))
}
