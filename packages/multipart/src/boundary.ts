import { LadingError } from '@lading/protocol'
import { parseParameters, trimSpace } from './parameters.ts'

/**
 * The boundary that the value of a request's Content-Type header names (RFC 2046, 5.1.1; RFC 9110, 8.3).
 *
 * @throws LadingError `unsupported_media_type`: no Content-Type, or another one than multipart/form-data.
 * @throws LadingError `multipart_boundary_invalid`: none, more than one, empty, over 70 characters, or characters
 *   that RFC 2046 does not allow; also parameters that cannot be parsed.
 */
export function parseBoundary(contentType: string | undefined): string {
  const value = trimSpace(contentType ?? '')
  const essence = /^[^\s;,]*/.exec(value)?.[0] ?? ''
  if (essence.toLowerCase() !== 'multipart/form-data') throw unsupported(essence)
  const boundaries = parseParameters(value.slice(essence.length), (fault) => {
    throw invalid(`the parameters of Content-Type cannot be parsed: ${fault}`)
  }).filter(({ name }) => name === 'boundary' || name.startsWith('boundary*'))
  const [boundary, another] = boundaries
  if (boundary === undefined) throw invalid('Content-Type has no boundary parameter')
  if (another !== undefined) throw invalid('Content-Type has more than one boundary parameter; send one')
  if (boundary.name !== 'boundary') throw invalid(`"${boundary.name}" is not supported; send "boundary"`)
  checkBoundary(boundary.value)
  return boundary.value
}

/** RFC 2046, 5.1.1: 1 to 70 of `bchars`, of which a space must not be the last. */
export function checkBoundary(boundary: string): void {
  if (boundary === '') throw invalid('the boundary is empty')
  if (boundary.length > 70) throw invalid(`the boundary has ${boundary.length} characters, 70 are allowed`)
  if (!BOUNDARY.test(boundary)) {
    throw invalid("the boundary may hold letters, digits and '()+_,-./:=? and must not end with a space")
  }
}

const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]*[0-9A-Za-z'()+_,\-./:=?]$/

function unsupported(essence: string): LadingError {
  const given =
    essence === '' ? 'The request has no Content-Type' : `Content-Type is "${essence.slice(0, 80)}"`
  return new LadingError('unsupported_media_type', `${given}; send multipart/form-data with a boundary`)
}

function invalid(fault: string): LadingError {
  return new LadingError('multipart_boundary_invalid', `${fault.charAt(0).toUpperCase()}${fault.slice(1)}`)
}
