import type { Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** Compares; never says what was computed, or the answer would tell a guesser what the bytes are. */
export function checkSha256(actual: Sha256Hex, declared: Sha256Hex | undefined, field: string): void {
  if (declared === undefined || declared === actual) return
  throw new LadingError(
    'digest_mismatch',
    `${field}: the bytes that arrived have another SHA-256; send them again`,
  )
}

export function checkSize(actual: number, declared: number, field: string): void {
  if (actual === declared) return
  throw new LadingError('length_mismatch', `${field}: ${declared} bytes were declared, and ${actual} arrived`)
}
