import type { Artifact } from '@lading/catalog'
import { artifactTypeOf, type ByteRange, formatDigestField } from '@lading/core'
import { create as contentDisposition } from 'content-disposition'
import { etagOf } from '../artifact-body.ts'

/**
 * The header of an artifact's representation. What it is comes from the table of artifact types, never from who sent
 * it; whatever it is, it runs nothing and reaches nothing.
 */
export function artifactHeaders(artifact: Artifact): Record<string, string> {
  const { contentType, disposition } = artifactTypeOf(artifact.path)
  const name = artifact.path.slice(artifact.path.lastIndexOf('/') + 1)
  return {
    ...validatorHeaders(artifact),
    'content-type': contentType,
    'content-disposition': contentDisposition(name, { type: disposition }),
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'accept-ranges': 'bytes',
    'repr-digest': formatDigestField(artifact.sha256),
  }
}

/** What a 304 says too (RFC 9110, 15.4.5). */
export function validatorHeaders(artifact: Artifact): Record<string, string> {
  return {
    etag: etagOf(artifact),
    'last-modified': artifact.storedAt.toUTCString(),
    'cache-control': 'private, no-cache',
  }
}

export function lengthHeaders({ size }: Artifact, range: ByteRange | undefined): Record<string, string> {
  if (range === undefined) return { 'content-length': String(size) }
  const { start, end } = range
  return { 'content-length': String(end - start + 1), 'content-range': `bytes ${start}-${end}/${size}` }
}
