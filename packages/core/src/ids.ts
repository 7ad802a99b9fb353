import { createHash } from 'node:crypto'
import { v7 } from 'uuid'

/** A UUIDv7 (RFC 9562, 5.7): sorts by the time it was made, so that indexes grow at one end. */
export function newId(): string {
  return v7()
}

/**
 * The id that a key stands for within a scope: the same id whenever it is asked for, and another in another scope. Of
 * a key that is a UUIDv7 it keeps the time, so that the id sorts as one made then; any other key gives a UUIDv8.
 */
export function idOfKey(scope: readonly string[], key: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([...scope, key]))
    .digest('hex')
  const isTimed = UUID.test(key) && key[14] === '7'
  const time = isTimed ? key.slice(0, 13) : `${hash.slice(0, 8)}-${hash.slice(8, 12)}`
  const variant = '89ab'[Number.parseInt(hash[16] ?? '', 16) % 4]
  return `${time}-${isTimed ? '7' : '8'}${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether the text is a UUID in lower case, as every id of Lading is. */
export function isId(text: string): boolean {
  return UUID.test(text)
}
