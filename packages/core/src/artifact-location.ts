import { LadingError } from '@lading/protocol'
import { type ArtifactPath, parseListPrefix } from './artifact-path.ts'
import { quoted } from './quoted.ts'

/** A place in the object store, below which artifacts lie. */
export interface ArtifactLocation {
  readonly scheme: 's3' | 'file'
  readonly bucket: string
  /** `''`, or segments by the grammar of artifact paths with a slash at the end. */
  readonly prefix: string
}

/**
 * The store that locations point into: S3, or a directory known by the URI of its root, `file:///…/`, whose
 * sub-directories are the buckets.
 */
export type LocationScheme = { readonly scheme: 's3' } | { readonly scheme: 'file'; readonly rootUri: string }

/** Bytes of UTF-8 in a location's prefix, which leaves at least as much of S3's 1,024 to the paths below it. */
export const MAX_PREFIX_BYTES = 512
/** Bytes of UTF-8 in a key: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
export const MAX_KEY_BYTES = 1024

/**
 * Takes an `artifact_location`: `s3://bucket/prefix/`, or the root URI followed by `bucket/prefix/`. The text is
 * compared and split, never resolved, and it is no URL: what a URL parser would read as user, port, query, parameters,
 * fragment or escape is refused, so that no second reader can find another place in it. Fails with `location_invalid`.
 */
export function parseArtifactLocation(text: string, store: LocationScheme): ArtifactLocation {
  const root = store.scheme === 's3' ? 's3://' : store.rootUri
  if (!root.endsWith('/')) throw new TypeError(`the root URI must end with a slash: ${root}`)
  if (!text.startsWith(root)) refuse(text, `must begin with ${root}`)
  const below = text.slice(root.length)
  if (/[\s#?;@\\%]/u.test(below)) refuse(text, 'must not hold white space or any of # ? ; @ \\ %')
  const slash = below.indexOf('/')
  const bucket = slash === -1 ? below : below.slice(0, slash)
  if (!isBucketName(bucket)) {
    refuse(text, `bucket ${quoted(bucket)} must be 3 to 63 of a-z, 0-9, "." and "-", and not an IP address`)
  }
  return {
    scheme: store.scheme,
    bucket,
    prefix: slash === -1 ? '' : parsePrefix(text, below.slice(slash + 1)),
  }
}

/** Whether the location is one of the roots or lies below one; `s3://b/team/` does not hold `s3://b/team-evil/`. */
export function locationWithin(location: ArtifactLocation, roots: readonly ArtifactLocation[]): boolean {
  return roots.some(
    (root) =>
      root.scheme === location.scheme &&
      root.bucket === location.bucket &&
      location.prefix.startsWith(root.prefix),
  )
}

/** The key of an artifact. Fails with `path_invalid` when it would be longer than a key may be (1,024 bytes). */
export function formatKey(location: ArtifactLocation, path: ArtifactPath): string {
  const key = location.prefix + path
  const excess = Buffer.byteLength(key) - MAX_KEY_BYTES
  if (excess > 0) {
    const limit = MAX_KEY_BYTES - Buffer.byteLength(location.prefix)
    throw new LadingError(
      'path_invalid',
      `path: ${quoted(path)} has ${limit + excess} bytes of UTF-8; the limit in this artifact location is ${limit}`,
    )
  }
  return key
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; reserved affixes are left to S3. */
function isBucketName(name: string): boolean {
  if (name.length < 3 || name.length > 63) return false
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name) || name.includes('..')) return false
  return /^[a-z0-9][a-z0-9.-]*[a-z0-9]$/.test(name)
}

function parsePrefix(text: string, raw: string): string {
  const bytes = Buffer.byteLength(raw)
  if (bytes > MAX_PREFIX_BYTES) refuse(text, `prefix has ${bytes} bytes; the limit is ${MAX_PREFIX_BYTES}`)
  try {
    const directory = parseListPrefix(raw, 'prefix')
    return directory === '' ? '' : `${directory}/`
  } catch (cause) {
    if (cause instanceof LadingError) return refuse(text, cause.detail, cause)
    throw cause
  }
}

function refuse(text: string, reason: string, cause?: unknown): never {
  throw new LadingError('location_invalid', `artifact_location: ${quoted(text)}: ${reason}`, { cause })
}
