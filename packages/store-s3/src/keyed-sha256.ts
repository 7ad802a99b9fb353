import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto'

/**
 * SHA-256 and HMAC-SHA-256 as Signature Version 4's signer asks for them. Each request is signed with the same two keys, and
 * for a small object, making Node's key of the bytes costs as much as the rest of its signature: so the keys are kept.
 */
export class KeyedSha256 {
  readonly #key: KeyObject | undefined
  #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#key = secret === undefined ? undefined : keyOf(secret)
    this.#hash = this.#begin()
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#key === undefined ? createHash('sha256') : createHmac('sha256', this.#key)
  }
}

/** The signer derives its key anew each day, and from new credentials: old ones go with their bytes. */
const derived = new WeakMap<ArrayBuffer | ArrayBufferView, KeyObject>()
/** The secret of the last credentials; those of a role change within hours. */
let secret: { readonly text: string; readonly key: KeyObject } | undefined

function keyOf(given: string | ArrayBuffer | ArrayBufferView): KeyObject {
  if (typeof given === 'string') {
    if (secret?.text !== given) secret = { text: given, key: createSecretKey(given, 'utf8') }
    return secret.key
  }
  const known = derived.get(given)
  if (known !== undefined) return known
  const key = createSecretKey(bytesOf(given) as Buffer)
  derived.set(given, key)
  return key
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): string | Buffer {
  if (typeof data === 'string') return data
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}
