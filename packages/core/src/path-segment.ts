import { HIDDEN } from './hidden-characters.ts'

/** Bytes of UTF-8 in one segment: NAME_MAX of the file systems that artifacts are downloaded to. */
const MAX_SEGMENT_BYTES = 255

const EDGE_SPACE = /^\s|\s$/u

/** Why a segment may not stand in a path, as the end of a sentence; `undefined` when it may. */
export function faultOfSegment(segment: string): string | undefined {
  if (segment === '') return 'is empty: use single slashes, and none at the start or end'
  if (segment === '.' || segment === '..') return 'is a dot segment: name the place itself'
  const hidden = segment.search(HIDDEN)
  if (hidden !== -1) return `holds ${codePoint(segment, hidden)}, a control or invisible character`
  // Windows clients would read it as a separator (`..\x` climbs there), so that one name has two meanings.
  if (segment.includes('\\')) return 'holds a backslash: separate directories with "/"'
  // S3 and MLflow clients build URLs from names unescaped and cut them there: `a#b` would overwrite `a`.
  // Python's `urlparse`, with which MLflow takes locations apart, cuts off what follows ";" in the last segment.
  if (/[#?;]/.test(segment)) return 'holds "#", "?" or ";", at which clients cut URLs'
  if (isSmuggling(segment)) return 'holds a percent-encoded dot, separator or control character'
  // MLflow's client loses a leading space, Windows a trailing one, and neither can be seen.
  if (EDGE_SPACE.test(segment)) return 'begins or ends with white space'
  // Windows drops it, so that "a." lands on "a", and ".. ." climbs.
  if (segment.endsWith('.')) return 'ends with a dot'
  const bytes = Buffer.byteLength(segment)
  if (bytes > MAX_SEGMENT_BYTES) return `has ${bytes} bytes of UTF-8; the limit is ${MAX_SEGMENT_BYTES}`
  return undefined
}

function codePoint(text: string, index: number): string {
  const hex = (text.codePointAt(index) ?? 0).toString(16).toUpperCase()
  return `U+${hex.padStart(4, '0')}`
}

/**
 * Whether someone who decodes the segment again, and again, comes to a character that would change the path: `.`, `/`,
 * `\\`, `#`, `?`, `;`, or a control character (`%2e`, `%252e`, `%25%32%65`). MLflow's client and server decode up to ten
 * times, and Python passes over malformed escapes. Any other `%` is a character like others.
 */
function isSmuggling(segment: string): boolean {
  let smuggles = false
  const decode = (_: string, hex: string): string => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    smuggles ||= /[./\\#?;\p{Cc}]/u.test(character) && !/[\x80-\x9f]/.test(character)
    return character
  }
  for (let text = segment; text.includes('%'); ) {
    const decoded = text.replace(/%([0-9a-f]{2})/gi, decode)
    // C1 controls are two bytes, of which the second stands in many letters, too.
    if (smuggles || /\xc2[\x80-\x9f]/.test(decoded)) return true
    if (decoded === text) return false
    text = decoded
  }
  return false
}
