import {
  type ArtifactPath,
  joinArtifactPath,
  parseArtifactPath,
  parseSha256Hex,
  type Sha256Hex,
} from '@lading/core'
import { LadingError } from '@lading/protocol'

/** What `Upload-Metadata` says of a file. */
export interface UploadMetadata {
  /** In the run, or in the directory of the open job. */
  readonly path: ArtifactPath
  readonly sha256: Sha256Hex | undefined
  readonly jobId: string | undefined
}

/**
 * Reads `Upload-Metadata` (tus 1.0, Creation): keys with values in base64, separated by commas. `path`, or `filename`
 * below `artifact_path`, names the file; `sha256` and `job_id` may be there. Other keys, which clients set for servers
 * of their own, are passed over. Fails with `bad_request`, `path_invalid`, `digest_invalid`.
 */
export function parseUploadMetadata(field: string): UploadMetadata {
  const values = parsePairs(field)
  return { path: pathIn(values), sha256: sha256In(values), jobId: values.get('job_id') }
}

/** The SHA-256 alone, which may come with a piece too. Fails with `bad_request`, `digest_invalid`. */
export function sha256InMetadata(field: string): Sha256Hex | undefined {
  return sha256In(parsePairs(field))
}

function sha256In(values: ReadonlyMap<string, string>): Sha256Hex | undefined {
  const sha256 = values.get('sha256')
  return sha256 === undefined ? undefined : parseSha256Hex(sha256, 'Upload-Metadata: sha256')
}

function pathIn(values: ReadonlyMap<string, string>): ArtifactPath {
  const path = values.get('path')
  if (path !== undefined) return parseArtifactPath(path, 'Upload-Metadata: path')
  const filename = values.get('filename')
  if (filename !== undefined) return joinArtifactPath(values.get('artifact_path'), filename)
  throw new LadingError('bad_request', 'Upload-Metadata: give path, or filename and perhaps artifact_path')
}

/** "The key MUST NOT contain spaces and commas and MUST NOT be empty [...] All keys MUST be unique." */
function parsePairs(field: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const pair of field.split(',').filter((text) => text.trim() !== '')) {
    const [key = '', value = '', ...more] = pair.trim().split(' ')
    if (more.length > 0) throw malformed(key, 'is not a key and a value')
    if (values.has(key)) throw malformed(key, 'is given twice')
    values.set(key, textOf(key, value))
  }
  return values
}

function textOf(key: string, base64: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw malformed(key, 'is not base64')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'))
  } catch (cause) {
    throw malformed(key, 'is not UTF-8', cause)
  }
}

function malformed(key: string, fault: string, cause?: unknown): LadingError {
  return new LadingError('bad_request', `Upload-Metadata: ${JSON.stringify(key.slice(0, 80))} ${fault}`, {
    cause,
  })
}
