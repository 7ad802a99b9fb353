import { LadingError } from '@lading/protocol'
import type { Request, Response } from 'express'

/** The version of the protocol that is spoken here: https://tus.io/protocols/resumable-upload */
export const TUS_VERSION = '1.0.0'
export const TUS_EXTENSIONS = 'creation,creation-with-upload,termination,expiration,checksum'
/** The media type of a piece of an upload. */
export const TUS_MEDIA_TYPE = 'application/offset+octet-stream'

/**
 * Begins the answer to a request of the protocol: every one names the version, refusals too. "If the version specified
 * by the Client is not supported by the Server, it MUST respond with the 412 Precondition Failed status." A request
 * without the field, from curl for one, is taken.
 */
export function speakTus(request: Request, response: Response): void {
  response.setHeader('tus-resumable', TUS_VERSION)
  const version = request.headers['tus-resumable']
  if (version === undefined || version === TUS_VERSION) return
  throw new LadingError('precondition_failed', `Tus-Resumable: the version spoken here is ${TUS_VERSION}`, {
    headers: { 'tus-version': TUS_VERSION },
  })
}

/** Bytes that a field of the header counts. Undefined: it is not there. Fails with `bad_request`. */
export function byteCountIn(request: Request, name: 'Upload-Offset' | 'Upload-Length'): number | undefined {
  const value = request.headers[name.toLowerCase()]
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value)
  throw new LadingError('bad_request', `${name}: it must be a number of bytes, in decimal digits`)
}

/** Fails with `unsupported_media_type`. */
export function checkPieceType(request: Request): void {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (type === TUS_MEDIA_TYPE) return
  throw new LadingError('unsupported_media_type', `Content-Type: a piece of an upload is ${TUS_MEDIA_TYPE}`)
}
