import { parseDisposition } from './disposition.ts'
import { parseHeaderFields } from './header-fields.ts'
import type { MultipartLimits } from './limits.ts'
import { parseParameters, TOKEN } from './parameters.ts'
import type { PartRef } from './part-ref.ts'

/** What a part says of itself. */
export interface PartHeader {
  /** Not empty, valid UTF-8, no control characters, within the limit, none of an object's own names. */
  readonly name: string
  /**
   * As the client wrote it: with directories, not percent-decoded, perhaps empty (a form whose file was not chosen).
   * Valid UTF-8 without control characters; whether it is a good path is for the caller to judge. Undefined: a field.
   */
  readonly filename: string | undefined
  /** Type and subtype as declared, lower case, without parameters. Never multipart. */
  readonly contentType: string | undefined
}

/**
 * Reads the header of one part (RFC 7578, 4), from its lines, one character for each byte.
 *
 * @throws LadingError `multipart_malformed`, `multipart_part_invalid` or `field_name_too_long`.
 */
export function parsePartHeader(
  lines: readonly string[],
  part: PartRef,
  limits: MultipartLimits,
): PartHeader {
  const fields = parseHeaderFields(lines, part)
  const disposition = fields.get('content-disposition') ?? part.refuse('has no Content-Disposition')
  const { name, filename } = parseDisposition(disposition, part, limits)
  refuseEncodings(fields, part)
  return { name, filename, contentType: contentTypeOf(fields, part, filename !== undefined) }
}

/** Bytes are stored as they come, so that an encoded part would become a file with other bytes than its name says. */
function refuseEncodings(fields: ReadonlyMap<string, string>, part: PartRef): void {
  const transfer = fields.get('content-transfer-encoding')
  if (transfer !== undefined && !/^(?:binary|7bit|8bit)$/i.test(transfer)) {
    const given = JSON.stringify(transfer.slice(0, 40))
    part.refuse(
      `has the Content-Transfer-Encoding ${given}; send the bytes as they are (binary, 7bit or 8bit)`,
    )
  }
  const content = fields.get('content-encoding')
  if (content !== undefined && content.toLowerCase() !== 'identity') {
    const given = JSON.stringify(content.slice(0, 40))
    part.refuse(`has the Content-Encoding ${given}; send the bytes as they are`)
  }
}

const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}`)

function contentTypeOf(
  fields: ReadonlyMap<string, string>,
  part: PartRef,
  file: boolean,
): string | undefined {
  const value = fields.get('content-type')
  if (value === undefined) return undefined
  const essence = MEDIA_TYPE.exec(value)?.[0]
  if (essence === undefined) {
    return part.refuse(`has the Content-Type ${JSON.stringify(value.slice(0, 40))}; it must be type/subtype`)
  }
  const parameters = parseParameters(value.slice(essence.length), (fault) =>
    part.refuse(`has a Content-Type that cannot be parsed: ${fault}`),
  )
  const contentType = essence.toLowerCase()
  if (contentType.startsWith('multipart/')) {
    part.refuse(
      `has the Content-Type ${contentType}; a multipart inside a multipart is not taken (RFC 7578, 4.3)`,
    )
  }
  for (const charset of file ? [] : parameters.filter((parameter) => parameter.name === 'charset')) {
    if (!/^(?:utf-?8|us-ascii)$/i.test(charset.value)) {
      part.refuse(`has the charset ${JSON.stringify(charset.value.slice(0, 40))}; send fields in UTF-8`)
    }
  }
  return contentType
}
