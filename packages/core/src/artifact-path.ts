import { LadingError } from '@lading/protocol'
import { faultOfSegment } from './path-segment.ts'
import { quoted } from './quoted.ts'

/**
 * The path of an artifact below its run: `models/model.pkl`. A value of this type is relative, in one canonical
 * spelling, and cannot leave the directory it is resolved in, on POSIX or Windows. Unicode is kept as given, neither
 * composed nor decomposed: names that differ in bytes are different artifacts, as in S3.
 */
export type ArtifactPath = string & { readonly __brand: 'ArtifactPath' }

/** A directory below a run, without a slash at its end; `''` is the run's root. */
export type ArtifactDirectory = ArtifactPath | ''

/** Bytes of UTF-8 in a path: the longest key of S3. */
export const MAX_PATH_BYTES = 1024
/** Segments in a path. */
export const MAX_PATH_DEPTH = 64

/**
 * Takes a path that is text already (from JSON, a form, an archive). Nothing is decoded or repaired: what is not a
 * good path is refused. Fails with `path_invalid`; `field` is the name that its detail gives the value.
 */
export function parseArtifactPath(raw: string, field = 'path'): ArtifactPath {
  if (raw === '') refuse(field, 'is empty: give the name of a file')
  const bytes = Buffer.byteLength(raw)
  if (bytes > MAX_PATH_BYTES) refuse(field, `has ${bytes} bytes of UTF-8; the limit is ${MAX_PATH_BYTES}`)
  if (/^[A-Za-z]:/.test(raw)) refuse(field, `${quoted(raw)} begins with a drive letter: give a relative path`)
  // "file:/x" and ":/x": a path that is resolved as a relative reference may not begin so (RFC 3986, 4.2).
  if (/^[^/]*:\//.test(raw)) refuse(field, `${quoted(raw)} begins with a URL scheme: give a relative path`)
  if (raw.startsWith('/')) refuse(field, `${quoted(raw)} is absolute: give a relative path`)
  const segments = raw.split('/')
  if (segments.length > MAX_PATH_DEPTH) {
    refuse(field, `has ${segments.length} segments; the limit is ${MAX_PATH_DEPTH}`)
  }
  for (const segment of segments) {
    const fault = faultOfSegment(segment)
    if (fault !== undefined) refuse(field, `segment ${quoted(segment)} ${fault}`)
  }
  return raw as ArtifactPath
}

/**
 * Takes a directory: as a path, but `''` is the root, and one slash may stand at the end. Fails with `path_invalid`.
 */
export function parseListPrefix(raw: string, field = 'path'): ArtifactDirectory {
  if (raw === '') return ''
  if (raw === '/') refuse(field, '"/" is absolute: leave it empty for the root')
  return parseArtifactPath(raw.endsWith('/') ? raw.slice(0, -1) : raw, field)
}

/**
 * Joins the form's `artifact_path` (a directory; undefined or `''` is the root) and a `filename`, which may bring
 * directories of its own. Each must be good by itself, and so must the whole. Fails with `path_invalid`.
 */
export function joinArtifactPath(directory: string | undefined, filename: string): ArtifactPath {
  const parent = parseListPrefix(directory ?? '', 'artifact_path')
  const name = parseArtifactPath(filename, 'filename')
  return parent === '' ? name : parseArtifactPath(`${parent}/${name}`, 'artifact_path with filename')
}

/**
 * Takes the path as it stands in a request target, still percent-encoded, and decodes it exactly once (RFC 3986, 2.4).
 * `%2F` is a separator, as generated clients encode the whole path; `+` is a plus. Malformed escapes, escapes that
 * are not UTF-8, and raw characters outside ASCII (which arrive as Latin-1) are refused with `path_invalid`.
 */
export function decodeUrlPath(rawPath: string): ArtifactPath {
  if (/[^\x20-\x7e]/.test(rawPath))
    refuse('path', `${quoted(rawPath)} is not ASCII: percent-encode it as UTF-8`)
  return parseArtifactPath(decodeOnce(rawPath))
}

/** Whether the path lies below the directory, at any depth. A path is not under itself. */
export function isUnder(directory: ArtifactDirectory, path: ArtifactPath): boolean {
  return directory === '' || path.startsWith(`${directory}/`)
}

/**
 * A path as the catalog kept it, which was parsed before it was accepted. For rows of the catalog alone: what comes
 * from anywhere else is parsed (`test/architecture/paths.test.ts`).
 */
export function keptPath(path: string): ArtifactPath {
  return path as ArtifactPath
}

function decodeOnce(rawPath: string): string {
  try {
    return decodeURIComponent(rawPath)
  } catch (cause) {
    const detail = `path: ${quoted(rawPath)} holds a malformed percent escape, or one that is not UTF-8`
    throw new LadingError('path_invalid', detail, { cause })
  }
}

function refuse(field: string, reason: string): never {
  throw new LadingError('path_invalid', `${field}: ${reason}`)
}
