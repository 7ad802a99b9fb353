import { v7 } from 'uuid'

/** A UUIDv7 (RFC 9562, 5.7): sorts by the time it was made, so that indexes grow at one end. */
export function newId(): string {
  return v7()
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether the text is a UUID in lower case, as every id of Lading is. */
export function isId(text: string): boolean {
  return UUID.test(text)
}
