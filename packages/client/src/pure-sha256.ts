import type { Sha256 } from './sha256.ts'

/**
 * SHA-256 (FIPS 180-4) piece by piece, in JavaScript: Web Crypto takes a message only as a whole, and a file of many
 * gigabytes is not to stand in memory. A message of up to 2^53 bytes.
 */
export class PureSha256 implements Sha256 {
  readonly #state = Int32Array.from(INITIAL)
  readonly #block = new Uint8Array(BLOCK)
  /** Bytes of the block that wait for the rest of it. */
  #filled = 0
  #length = 0

  update(bytes: Uint8Array): void {
    this.#length += bytes.length
    let at = this.#fillBlock(bytes)
    for (; at + BLOCK <= bytes.length; at += BLOCK) compress(this.#state, bytes, at)
    this.#block.set(bytes.subarray(at), this.#filled)
    this.#filled += bytes.length - at
  }

  copy(): PureSha256 {
    const other = new PureSha256()
    other.#state.set(this.#state)
    other.#block.set(this.#block)
    other.#filled = this.#filled
    other.#length = this.#length
    return other
  }

  /** Ends the taking; call it once. */
  hex(): string {
    const block = this.#block
    block[this.#filled] = 0x80
    block.fill(0, this.#filled + 1)
    if (this.#filled >= BLOCK - 8) {
      compress(this.#state, block, 0)
      block.fill(0)
    }
    block.set(bitLength(this.#length), BLOCK - 8)
    compress(this.#state, block, 0)
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** What the last piece left unfilled; the number of bytes that it took. */
  #fillBlock(bytes: Uint8Array): number {
    if (this.#filled === 0) return 0
    const taken = bytes.subarray(0, BLOCK - this.#filled)
    this.#block.set(taken, this.#filled)
    this.#filled += taken.length
    if (this.#filled === BLOCK) {
      compress(this.#state, this.#block, 0)
      this.#filled = 0
    }
    return taken.length
  }
}

/** What a message of so many bytes ends with: its length in bits, as 64 (5.1.1). */
export function bitLength(bytes: number): Uint8Array {
  const field = new DataView(new ArrayBuffer(8))
  field.setUint32(0, Math.floor(bytes / 2 ** 29))
  field.setUint32(4, (bytes % 2 ** 29) * 8)
  return new Uint8Array(field.buffer)
}

const BLOCK = 64

const schedule = new Int32Array(64)

/** One block (6.2.2). In one loop over numbers, without objects: that decides its speed. */
function compress(state: Int32Array, bytes: Uint8Array, from: number): void {
  for (let t = 0, at = from; t < 16; t++, at += 4)
    schedule[t] =
      (byte(bytes, at) << 24) | (byte(bytes, at + 1) << 16) | (byte(bytes, at + 2) << 8) | byte(bytes, at + 3)
  for (let t = 16; t < 64; t++) {
    const w15 = word(schedule, t - 15)
    const w2 = word(schedule, t - 2)
    const s0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3)
    const s1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10)
    schedule[t] = (word(schedule, t - 16) + s0 + word(schedule, t - 7) + s1) | 0
  }
  let a = word(state, 0)
  let b = word(state, 1)
  let c = word(state, 2)
  let d = word(state, 3)
  let e = word(state, 4)
  let f = word(state, 5)
  let g = word(state, 6)
  let h = word(state, 7)
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + word(CONSTANTS, t) + word(schedule, t)) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0] = word(state, 0) + a
  state[1] = word(state, 1) + b
  state[2] = word(state, 2) + c
  state[3] = word(state, 3) + d
  state[4] = word(state, 4) + e
  state[5] = word(state, 5) + f
  state[6] = word(state, 6) + g
  state[7] = word(state, 7) + h
}

function word(words: Int32Array, index: number): number {
  return words[index] as number
}

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}

const PRIMES = firstPrimes(64)
/** The first 32 bits of the fractions of the cube roots of the first 64 primes (4.2.2), and of square roots of 8 (5.3.3). */
const CONSTANTS = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)))
const INITIAL = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 2 ** 32) | 0
}

function firstPrimes(count: number): number[] {
  const primes: number[] = []
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  return primes
}
