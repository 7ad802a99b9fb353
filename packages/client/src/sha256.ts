/** Takes a SHA-256 while bytes go by. */
export interface Sha256 {
  update(bytes: Uint8Array): void
  /** 64 lower-case hexadecimal digits; ends the taking. */
  hex(): string
}

/** How SHA-256 is taken where this runs. */
export interface TakeDigests {
  begin(): Sha256
  /** Of bytes that are in memory, in hexadecimal. */
  whole(bytes: Uint8Array): Promise<string>
}

/** The value of `Content-Digest` and `Repr-Digest` (RFC 9530). */
export function digestField(hex: string): string {
  const bytes = hex.match(/../g)?.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))) ?? []
  return `sha-256=:${btoa(bytes.join(''))}:`
}

/** Of a file of any size, in the memory of a chunk. */
export async function sha256Of(blob: Blob, digests: TakeDigests, signal?: AbortSignal): Promise<string> {
  const hash = digests.begin()
  for await (const chunk of chunksOf(blob.stream())) {
    signal?.throwIfAborted()
    hash.update(chunk)
  }
  return hash.hex()
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The chunks of a stream, also where streams cannot be iterated (Safari). The stream is cancelled when they are not wanted. */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      ended = done
      if (done) return
      yield value
    }
  } finally {
    // A stream that has failed already says so to whoever reads it, not to whoever gives it up.
    if (!ended) await reader.cancel().catch(() => undefined)
  }
}
