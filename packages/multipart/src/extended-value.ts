import { decodeUtf8 } from './utf8.ts'

/**
 * Decodes the value of a parameter such as `filename*` (RFC 8187, 3.2.1): `UTF-8''%e2%82%ac%20rates`.
 * UTF-8 and ISO-8859-1 are understood; every character that RFC 8187 wants percent-encoded must be so.
 *
 * @param refuse Is told the fault in words, and throws.
 */
export function decodeExtendedValue(value: string, refuse: (fault: string) => never): string {
  const [charset, language, encoded, ...more] = value.split("'")
  if (charset === undefined || language === undefined || encoded === undefined || more.length > 0) {
    return refuse("is not of the form charset'language'value (RFC 8187)")
  }
  if (!/^[0-9A-Za-z-]*$/.test(language)) return refuse('names a language that is not valid')
  if (!VALUE_CHARS.test(encoded)) return refuse('has characters that RFC 8187 wants percent-encoded')
  const bytes = percentDecode(encoded)
  switch (charset.toLowerCase()) {
    case 'utf-8':
      return decodeUtf8(bytes) ?? refuse('is not valid UTF-8')
    case 'iso-8859-1':
      return bytes.toString('latin1')
    default:
      return refuse(`has the charset ${JSON.stringify(charset.slice(0, 40))}; UTF-8 and ISO-8859-1 are known`)
  }
}

/** RFC 8187, 3.2.1: `attr-char` or a percent sign with two hexadecimal digits. */
const VALUE_CHARS = /^(?:[0-9A-Za-z!#$&+\-.^_`|~]|%[0-9A-Fa-f]{2})*$/

function percentDecode(encoded: string): Buffer {
  const latin1 = encoded.replace(/%(..)/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(latin1, 'latin1')
}
