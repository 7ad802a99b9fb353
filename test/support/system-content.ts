import { createCipheriv, createHash, hash } from 'node:crypto'

/** Bytes of a file, made again each time they are read, so that a file of any size takes no memory. */
export interface Content {
  /** Bytes. */
  readonly size: number
  /** Lower-case hexadecimal; computed at the first look. */
  readonly sha256: string
  chunks(): Iterable<Buffer>
}

const CHUNK = Buffer.alloc(256 * 1024)

/** Bytes that the seed decides and that no compression shrinks: a cipher's key stream. */
export function content(size: number, seed: string | number = size): Content {
  let sha256: string | undefined
  return {
    size,
    get sha256() {
      sha256 ??= digestOf(chunksOf(size, String(seed)))
      return sha256
    },
    chunks: () => chunksOf(size, String(seed)),
  }
}

export function textContent(text: string): Content {
  const bytes = Buffer.from(text)
  return { size: bytes.length, sha256: hash('sha256', bytes), chunks: () => [bytes] }
}

function* chunksOf(size: number, seed: string): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest()
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  for (let left = size; left > 0; left -= CHUNK.length)
    yield stream.update(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK)
}

function digestOf(chunks: Iterable<Buffer>): string {
  const sha256 = createHash('sha256')
  for (const chunk of chunks) sha256.update(chunk)
  return sha256.digest('hex')
}

/** The SHA-256 of the bytes from `first` to `last`, both included, as a Range of HTTP has them. */
export function sha256OfRange(file: Content, first: number, last: number): string {
  const sha256 = createHash('sha256')
  let offset = 0
  for (const chunk of file.chunks()) {
    sha256.update(chunk.subarray(Math.max(0, first - offset), Math.max(0, last + 1 - offset)))
    offset += chunk.length
  }
  return sha256.digest('hex')
}
