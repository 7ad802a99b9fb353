import { decodeExtendedValue } from './extended-value.ts'
import type { MultipartLimits } from './limits.ts'
import { type Parameter, parseParameters, TOKEN } from './parameters.ts'
import type { PartRef } from './part-ref.ts'
import { decodeUtf8 } from './utf8.ts'

interface Disposition {
  readonly name: string
  readonly filename: string | undefined
}

/**
 * Reads a part's Content-Disposition (RFC 7578, 4.2; RFC 6266): `form-data`, a name, and for a file its filename.
 *
 * `filename` is UTF-8 (RFC 7578, 5.1) and is taken as it stands: percent signs are not decoded, because a client that
 * writes `%22` for `"`, as browsers do, cannot be told from one whose file is called `%22`. Directories stay.
 *
 * @param value The header's value, one character for each byte.
 * @param part Gets its name as soon as that is known, so that later refusals can tell it.
 */
export function parseDisposition(value: string, part: PartRef, limits: MultipartLimits): Disposition {
  const text =
    decodeUtf8(Buffer.from(value, 'latin1')) ?? part.refuse('has a Content-Disposition that is not UTF-8')
  const type = DISPOSITION_TYPE.exec(text)?.[0] ?? ''
  if (type.toLowerCase() !== 'form-data') {
    part.refuse(`has the Content-Disposition ${JSON.stringify(type.slice(0, 40))}; it must be form-data`)
  }
  const parameters = parseParameters(text.slice(type.length), (fault) =>
    part.refuse(`has a Content-Disposition that cannot be parsed: ${fault}`),
  )
  const byName = index(parameters, part)
  part.name = nameOf(byName, part, limits)
  return { name: part.name, filename: filenameOf(byName, part) }
}

const DISPOSITION_TYPE = new RegExp(`^${TOKEN}`)

/** Names that would reach an object's prototype in a handler that collects fields in an object. */
const RESERVED_NAMES = new Set(['__proto__', 'constructor', 'prototype'])

function index(parameters: readonly Parameter[], part: PartRef): ReadonlyMap<string, string> {
  const byName = new Map<string, string>()
  for (const { name, value } of parameters) {
    if (byName.has(name)) part.refuse(`has ${JSON.stringify(name)} twice in its Content-Disposition`)
    // RFC 2231 continuations (filename*0) and an encoded name would be overlooked, and the part taken for another.
    if (/^(?:file)?name\*/.test(name) && name !== 'filename*') {
      part.refuse(`has the parameter ${JSON.stringify(name)}; send name and filename in UTF-8 instead`)
    }
    refuseControls(value, name, part)
    byName.set(name, value)
  }
  return byName
}

function nameOf(parameters: ReadonlyMap<string, string>, part: PartRef, limits: MultipartLimits): string {
  const name = parameters.get('name')
  if (name === undefined) return part.refuse('has no name in its Content-Disposition')
  if (name === '') return part.refuse('has an empty name in its Content-Disposition')
  const bytes = Buffer.byteLength(name)
  if (bytes > limits.nameBytes) {
    part.refuse(`has a name of ${bytes} bytes; ${limits.nameBytes} are allowed`, 'field_name_too_long')
  }
  if (RESERVED_NAMES.has(name)) part.refuse(`has the name ${JSON.stringify(name)}, which is not allowed`)
  return name
}

function filenameOf(parameters: ReadonlyMap<string, string>, part: PartRef): string | undefined {
  const plain = parameters.get('filename')
  const extended = parameters.get('filename*')
  if (extended === undefined) return plain
  const decoded = decodeExtendedValue(extended, (fault) => part.refuse(`has a filename* that ${fault}`))
  refuseControls(decoded, 'filename*', part)
  if (plain !== undefined && plain !== decoded) {
    part.refuse('has a filename that differs from its filename*; send one of them, or the same in both')
  }
  return decoded
}

function refuseControls(text: string, parameter: string, part: PartRef): void {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
      const hex = code.toString(16).toUpperCase().padStart(4, '0')
      part.refuse(`has the control character U+${hex} in its ${parameter}`)
    }
  }
}
