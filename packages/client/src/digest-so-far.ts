import { chunksOf } from './chunks.ts'
import type { Sha256, TakeDigests } from './sha256.ts'
import type { Source } from './source.ts'

/**
 * The SHA-256 of a source that is hashed while it is sent, piece after piece. A piece that fails is hashed anew when it is
 * sent again; what another process has sent is read for it.
 */
export class DigestSoFar {
  readonly #source: Source
  #hash: Sha256
  /** Bytes from the first on. */
  #taken = 0

  constructor(source: Source, digests: TakeDigests) {
    this.#source = source
    this.#hash = digests.begin()
  }

  /** A hash of the first `offset` bytes, never fewer than at the call before, for the caller to go on with. */
  async at(offset: number, signal?: AbortSignal): Promise<Sha256> {
    if (offset > this.#taken) {
      for await (const chunk of chunksOf(this.#source.slice(this.#taken, offset).stream())) {
        signal?.throwIfAborted()
        this.#hash.update(chunk)
      }
      this.#taken = offset
    }
    return this.#hash.copy()
  }

  /** Remembers a hash, now that the server keeps the bytes that it is of. */
  keep(hash: Sha256, taken: number): void {
    this.#hash = hash
    this.#taken = taken
  }
}
