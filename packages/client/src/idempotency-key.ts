import { hexOf, type TakeDigests } from './sha256.ts'

/** A key that no other request has. By `getRandomValues`, as `randomUUID` is not there on pages without https. */
export function newKey(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)))
}

/** The key of a part of what has the key `key`: the same for the same part, in another process too. */
export function keyOfPart(key: string, part: string, digests: TakeDigests): Promise<string> {
  return digests.whole(new TextEncoder().encode(`${key}\n${part}`))
}
