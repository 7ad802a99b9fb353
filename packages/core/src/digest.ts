import { createHash, type Hash } from 'node:crypto'
import { crc32 as nativeCrc32 } from 'node:zlib'

/** SHA-256 as 64 lower-case hexadecimal digits. */
export type Sha256Hex = string & { readonly __brand: 'Sha256Hex' }

/** CRC-32 (IEEE 802.3, as in S3's `x-amz-checksum-crc32`) as an unsigned 32-bit integer. */
export type Crc32 = number & { readonly __brand: 'Crc32' }

/**
 * The grain of checksums, in bytes: a CRC-32 is taken of each block of a file while it arrives, before the size of the
 * file is known. The CRC-32 of a part of any whole number of blocks, and of the file, is combined from them.
 */
export const BLOCK_SIZE = 8 * 1024 * 1024

export interface Digests {
  /** Bytes. */
  readonly size: number
  readonly sha256: Sha256Hex
  readonly crc32: Crc32
  /** CRC-32 of each block of `BLOCK_SIZE` bytes (the last may be shorter), four bytes each, big-endian. */
  readonly blockCrcs: Buffer
}

/** Takes a file's digests while its bytes arrive. */
export class DigestTaker {
  readonly #sha256: Hash = createHash('sha256')
  readonly #blocks: number[] = []
  #size = 0
  #inBlock = 0
  #blockCrc = 0

  get size(): number {
    return this.#size
  }

  update(chunk: Buffer): void {
    this.#sha256.update(chunk)
    this.#size += chunk.length
    let rest = chunk
    while (this.#inBlock + rest.length >= BLOCK_SIZE) {
      const head = rest.subarray(0, BLOCK_SIZE - this.#inBlock)
      this.#blocks.push(nativeCrc32(head, this.#blockCrc))
      this.#inBlock = 0
      this.#blockCrc = 0
      rest = rest.subarray(head.length)
    }
    if (rest.length > 0) {
      this.#blockCrc = nativeCrc32(rest, this.#blockCrc)
      this.#inBlock += rest.length
    }
  }

  /** Ends the taking; call it once. */
  finish(): Digests {
    if (this.#inBlock > 0) this.#blocks.push(this.#blockCrc)
    // From the pool, as most files have one block: memory of its own would cost fifty times the four bytes.
    const blockCrcs = Buffer.allocUnsafe(this.#blocks.length * 4)
    this.#blocks.forEach((crc, index) => {
      blockCrcs.writeUInt32BE(crc, index * 4)
    })
    return {
      size: this.#size,
      sha256: this.#sha256.digest('hex') as Sha256Hex,
      crc32: crcOfBlocks(blockCrcs, this.#size, 0, this.#blocks.length),
      blockCrcs,
    }
  }
}

/** CRC-32 of bytes at hand. */
export function crc32Of(bytes: Buffer): Crc32 {
  return nativeCrc32(bytes) as Crc32
}

/** CRC-32 of the blocks `from` (inclusive) to `to` (exclusive) of a file of `size` bytes. */
export function crcOfBlocks(blockCrcs: Buffer, size: number, from: number, to: number): Crc32 {
  let crc = 0
  for (let block = from; block < to; block++) {
    const length = Math.min(BLOCK_SIZE, size - block * BLOCK_SIZE)
    crc = combineCrc32(crc, blockCrcs.readUInt32BE(block * 4), length)
  }
  return (crc >>> 0) as Crc32
}

/**
 * CRC-32 of A followed by B from the CRC-32 of each and the length of B in bytes: A's is shifted by B's length, as a
 * polynomial over GF(2) modulo the CRC's own, by repeated squaring.
 */
export function combineCrc32(a: number, b: number, lengthOfB: number): Crc32 {
  let shifted = a
  let power = X_TO_8
  for (let bytes = lengthOfB; bytes > 0; bytes = Math.floor(bytes / 2)) {
    if (bytes % 2 === 1) shifted = multiply(power, shifted)
    power = multiply(power, power)
  }
  return ((shifted ^ b) >>> 0) as Crc32
}

/** CRC-32's polynomial, bits reflected: the most significant bit is the coefficient of x^0. */
const POLYNOMIAL = 0xedb88320
/** x^8, reflected: a shift by one byte. */
const X_TO_8 = 0x00800000

function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return product >>> 0
}
