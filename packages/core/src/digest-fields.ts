import { LadingError } from '@lading/protocol'
import { type Dictionary, parseDictionary } from 'structured-headers'
import type { Sha256Hex } from './digest.ts'

const SHA256_BYTES = 32

/** The one algorithm asked for (RFC 9530, section 4). */
export const WANT_CONTENT_DIGEST = 'sha-256=10'

/**
 * The SHA-256 that a `Content-Digest` or `Repr-Digest` field declares (RFC 9530, sections 2 and 3: a dictionary of
 * byte sequences, RFC 9651). Other algorithms beside it are passed over; an empty field is none, `undefined`.
 * Fails with `digest_invalid` when the field cannot be parsed or the digest has another length, and with
 * `digest_unsupported`, which carries `Want-Content-Digest`, when it lists only other algorithms.
 */
export function parseDigestField(value: string, fieldName: string): Sha256Hex | undefined {
  const digests = parseField(value, fieldName)
  if (digests.size === 0) return undefined
  const member = digests.get('sha-256')
  if (member === undefined) {
    throw new LadingError(
      'digest_unsupported',
      `${fieldName}: none of its algorithms is sha-256; send that one`,
      {
        headers: { 'want-content-digest': WANT_CONTENT_DIGEST },
      },
    )
  }
  const bytes = member[0]
  if (!(bytes instanceof ArrayBuffer)) invalid(fieldName, 'sha-256 is not a byte sequence, :base64:')
  if (bytes.byteLength !== SHA256_BYTES) {
    invalid(fieldName, `sha-256 has ${bytes.byteLength} bytes; it must have ${SHA256_BYTES}`)
  }
  return Buffer.from(bytes).toString('hex') as Sha256Hex
}

/** The value of `Content-Digest` or `Repr-Digest` for a SHA-256. */
export function formatDigestField(sha256: Sha256Hex): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
}

/** Takes a SHA-256 as 64 hexadecimal digits of either case. Fails with `digest_invalid`. */
export function parseSha256Hex(text: string, fieldName: string): Sha256Hex {
  if (!/^[0-9a-f]{64}$/i.test(text)) invalid(fieldName, 'a SHA-256 is 64 hexadecimal digits')
  return text.toLowerCase() as Sha256Hex
}

function parseField(value: string, fieldName: string): Dictionary {
  try {
    return parseDictionary(value)
  } catch (cause) {
    return invalid(fieldName, 'is not a dictionary of byte sequences, such as sha-256=:base64:', cause)
  }
}

function invalid(fieldName: string, reason: string, cause?: unknown): never {
  throw new LadingError('digest_invalid', `${fieldName}: ${reason}`, { cause })
}
