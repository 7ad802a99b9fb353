import { DigestTaker, type GrowingPack } from '@lading/core'

/** Uploads whose digests are remembered between their requests: some hundred bytes each, and four for each 8 MiB. */
const REMEMBERED = 1000
/** Bytes read at a time. */
const READ_BYTES = 1024 * 1024

/**
 * Digests of what uploads have brought so far, kept from one request to the next. They are a memory and no truth: what
 * is not remembered, after a restart or since another process took a piece, is read again from the pack.
 */
export class DigestsSoFar {
  readonly #takers = new Map<string, DigestTaker>()

  /** Takes out the digests of the pack's first `received` bytes. `check` is called now and then, and may throw. */
  async take(pack: GrowingPack, received: number, check: () => void): Promise<DigestTaker> {
    const remembered = this.#takers.get(pack.packId)
    this.#takers.delete(pack.packId)
    const digests = remembered !== undefined && remembered.size <= received ? remembered : new DigestTaker()
    while (digests.size < received) {
      check()
      const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, received - digests.size))
      await pack.read(bytes, digests.size)
      digests.update(bytes)
    }
    return digests
  }

  /** Remembers them for the next request, and forgets the ones unused for longest. */
  keep(uploadId: string, digests: DigestTaker): void {
    this.#takers.set(uploadId, digests)
    const [oldest] = this.#takers.keys()
    if (this.#takers.size > REMEMBERED && oldest !== undefined) this.#takers.delete(oldest)
  }
}
