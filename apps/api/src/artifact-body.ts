import type { Artifact } from '@lading/catalog'
import { artifactTypeOf, type ObjectStore } from '@lading/core'
import type { ArtifactFile } from '@lading/protocol'

/** The public entity tag: strong, and the same wherever the object lies (RFC 9110, 8.8.3). */
export function etagOf(artifact: Pick<Artifact, 'sha256'>): string {
  return `"${artifact.sha256}"`
}

/** An artifact as clients see it in a list. */
export function artifactBody(artifact: Artifact, store: ObjectStore): ArtifactFile {
  const { type, contentType } = artifactTypeOf(artifact.path)
  return {
    path: artifact.path,
    is_dir: false,
    size: artifact.size,
    sha256: artifact.sha256,
    type,
    content_type: contentType,
    uri: store.uri({ bucket: artifact.bucket, key: artifact.key }),
    etag: etagOf(artifact),
    state: artifact.state,
    job_id: artifact.jobId,
    stored_at: artifact.storedAt.toISOString(),
    ...(artifact.verifiedAt === undefined ? {} : { verified_at: artifact.verifiedAt.toISOString() }),
    ...(artifact.rot === undefined
      ? {}
      : { rot: artifact.rot.is, rotted_at: artifact.rot.since.toISOString() }),
    ...(artifact.mode === undefined ? {} : { mode: artifact.mode }),
    ...(artifact.mtime === undefined ? {} : { mtime: artifact.mtime.toISOString() }),
  }
}
