import { setTimeout } from 'node:timers/promises'
import type { Artifact, Artifacts } from '@lading/catalog'
import type { ByteRange, ObjectStore, OpenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** How often one piece is tried: a whole archive is not given up for one connection that broke. */
const TRIES = 3
const PAUSE_MS = 200

/**
 * The bytes of one artifact, by pieces. Its object may be moved while an archive is read (docs/decisions/0009): then the
 * catalog says where the same bytes lie. Other bytes, or none, end the archive, since it would mix two versions.
 */
export class Source {
  readonly #store: ObjectStore
  readonly #artifacts: Artifacts
  #artifact: Artifact

  constructor(store: ObjectStore, artifacts: Artifacts, artifact: Artifact) {
    this.#store = store
    this.#artifacts = artifacts
    this.#artifact = artifact
  }

  get artifact(): Artifact {
    return this.#artifact
  }

  /**
   * Fails with `artifact_replacing` when the artifact was replaced or deleted meanwhile, and as `ObjectStore.get` does.
   * `range` undefined is the whole; `length` is what must come (bytes).
   */
  async read(range: ByteRange | undefined, length: number, signal: AbortSignal): Promise<Buffer[]> {
    for (let tries = 1; ; tries++) {
      const { bucket, key, etag } = this.#artifact
      try {
        const options = { ifMatch: etag, signal, ...(range === undefined ? {} : { range }) }
        return await bytesOf(await this.#store.get({ bucket, key }, options), length)
      } catch (error) {
        if (signal.aborted || tries === TRIES || !(error instanceof LadingError)) throw error
        if (HAS_MOVED.has(error.code)) await this.#follow(key, etag, error)
        else if (error.retryable) await setTimeout(PAUSE_MS * tries, undefined, { signal })
        else throw error
      }
    }
  }

  async #follow(key: string, etag: string, cause: LadingError): Promise<void> {
    const { path, sha256 } = this.#artifact
    const now = await this.#artifacts.get(this.#artifact, path)
    if (now === undefined || now.sha256 !== sha256 || now.state === 'replacing') throw changed(path, cause)
    if (now.key === key && now.etag === etag) throw cause
    this.#artifact = now
  }
}

const HAS_MOVED: ReadonlySet<string> = new Set(['store_object_missing', 'store_precondition_failed'])

async function bytesOf({ body, length: announced }: OpenObject, length: number): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  let received = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    received += chunk.length
    if (received > length) break
    chunks.push(chunk)
  }
  if (received === length) return chunks
  const detail = `the object is not the artifact of the catalog: ${announced} bytes came instead of ${length}`
  throw new LadingError('store_object_mismatch', detail)
}

function changed(path: string, cause: unknown): LadingError {
  const detail = `path: ${JSON.stringify(path)} was replaced or deleted while the archive was read; ask for it again`
  return new LadingError('artifact_replacing', detail, { cause, retryAfter: 1 })
}
