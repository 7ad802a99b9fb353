import { chunksOf } from './chunks.ts'
import { inMemory, type Source } from './source.ts'

/** Takes a SHA-256 while bytes go by. */
export interface Sha256 {
  update(bytes: Uint8Array): void
  /** Another one of the same bytes, which goes on by itself. */
  copy(): Sha256
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

/** The SHA-256 in such a field, in hexadecimal. Undefined: it has none. */
export function sha256In(field: string | null): string | undefined {
  const base64 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]+=*):/.exec(field ?? '')?.[1]
  return base64 === undefined ? undefined : hexOf(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)))
}

/** What is not larger is hashed whole, which browsers do by native code. */
const IN_MEMORY_BYTES = 16 * 1024 * 1024

/** Of a file of any size. */
export async function sha256Of(source: Source, digests: TakeDigests, signal?: AbortSignal): Promise<string> {
  if (source.size <= IN_MEMORY_BYTES) return await digests.whole(await inMemory(source))
  const hash = digests.begin()
  for await (const chunk of chunksOf(source.stream())) {
    signal?.throwIfAborted()
    hash.update(chunk)
  }
  return hash.hex()
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
