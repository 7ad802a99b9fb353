import { LadingError } from './errors.ts'

const MAX_PATH_BYTES = 1024
const MAX_PATH_DEPTH = 64
const MAX_SEGMENT_BYTES = 255

/**
 * Refuses what cannot be the path of an artifact, before anything is sent: `fetch` would resolve `..` in an address, and
 * ask for another one. The server refuses all this, and what is hidden behind `%`, too; tests hold one to the other.
 * Fails with `path_invalid`.
 */
export function checkPath(path: string): string {
  const fault = faultOfPath(path)
  if (fault === undefined) return path
  throw new LadingError('path_invalid', `${JSON.stringify(path.slice(0, 80))} ${fault}`)
}

/** A directory: `''` is the run's root, and one slash may stand at the end, which is taken away. Fails as `checkPath`. */
export function checkDirectory(path: string): string {
  return path === '' ? '' : checkPath(path.replace(/(?<=.)\/$/s, ''))
}

function faultOfPath(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (path.startsWith('/') || /^[A-Za-z]:|^[^/]*:\//.test(path))
    return 'is absolute: give a path below the run'
  if (bytesOf(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`
  const segments = path.split('/')
  if (segments.length > MAX_PATH_DEPTH) return `is deeper than ${MAX_PATH_DEPTH} segments`
  return segments.map(faultOfSegment).find((fault) => fault !== undefined)
}

function faultOfSegment(segment: string): string | undefined {
  if (bytesOf(segment) > MAX_SEGMENT_BYTES) return `has a segment longer than ${MAX_SEGMENT_BYTES} bytes`
  return REFUSED.find(([pattern]) => pattern.test(segment))?.[1]
}

/** Controls, and characters that nobody sees or that only reverse what is seen. */
const HIDDEN = [
  '\\0-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f',
  '\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb\\ufffe\\uffff\\u{e0000}-\\u{e007f}',
]

const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'has an empty segment: use single slashes, and none at the start or end'],
  [/^\.\.?$/, 'has a dot segment: name the place itself'],
  [new RegExp(`[${HIDDEN.join('')}]`, 'u'), 'has a control or invisible character'],
  [/\\/, 'has a backslash: separate directories with "/"'],
  [/[#?;]/, 'has "#", "?" or ";", at which addresses are cut'],
  [/^\s|\s$/u, 'has white space at the start or end of a segment'],
  [/\.$/, 'has a segment that ends with a dot'],
]

const utf8 = new TextEncoder()

function bytesOf(text: string): number {
  return utf8.encode(text).length
}
