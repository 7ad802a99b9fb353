import { createHash, type Hash } from 'node:crypto'
import { LadingError } from '@lading/protocol'
import type { Request } from 'express'

/** SHA-1 is the one that servers must know (tus 1.0, Checksum). */
export const CHECKSUM_ALGORITHMS: readonly string[] = ['sha1', 'sha256']

/** The checksum that a request declares of its body. */
export class PieceChecksum {
  readonly #hash: Hash
  readonly #declared: Buffer

  private constructor(algorithm: string, declared: Buffer) {
    this.#hash = createHash(algorithm)
    this.#declared = declared
  }

  /** Fails with `digest_invalid`, `digest_unsupported`. */
  static of(request: Request): PieceChecksum | undefined {
    const field = request.headers['upload-checksum']
    if (field === undefined) return undefined
    const [algorithm = '', base64 = ''] = String(field).split(' ')
    if (!CHECKSUM_ALGORITHMS.includes(algorithm)) {
      throw new LadingError('digest_unsupported', `Upload-Checksum: use ${CHECKSUM_ALGORITHMS.join(' or ')}`)
    }
    const declared = Buffer.from(base64, 'base64')
    if (declared.length !== createHash(algorithm).digest().length) {
      throw new LadingError('digest_invalid', `Upload-Checksum: it is no ${algorithm} in base64`)
    }
    return new PieceChecksum(algorithm, declared)
  }

  update(chunk: Buffer): void {
    this.#hash.update(chunk)
  }

  /** Fails with `checksum_mismatch`; "the uploaded chunk MUST be discarded". */
  check(): void {
    if (this.#hash.digest().equals(this.#declared)) return
    throw new LadingError(
      'checksum_mismatch',
      'Upload-Checksum: the bytes that arrived have another; they are dropped, send them again',
    )
  }
}
