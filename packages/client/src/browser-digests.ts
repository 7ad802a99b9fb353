import { PureSha256 } from './pure-sha256.ts'
import { hexOf, type TakeDigests } from './sha256.ts'

/** By Web Crypto where it is there (pages with https, and localhost) and the bytes are in memory; else in JavaScript. */
export const browserDigests: TakeDigests = {
  begin: () => new PureSha256(),
  async whole(bytes) {
    const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
    if (subtle !== undefined)
      return hexOf(new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)))
    const hash = new PureSha256()
    hash.update(bytes)
    return hash.hex()
  },
}
