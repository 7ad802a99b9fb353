import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** `lading_`, 256 random bits in base64url, and 8 hexadecimal digits of CRC-32 over all that precedes them. */
export type ApiKey = string & { readonly __brand: 'ApiKey' }

const API_KEY = /^lading_[A-Za-z0-9_-]{43}[0-9a-f]{8}$/
const CHECKSUM_LENGTH = 8
const SHOWN_LENGTH = 'lading_'.length + 8

export function newApiKey(): ApiKey {
  const stem = `lading_${randomBytes(32).toString('base64url')}`
  return `${stem}${checksumOf(stem)}` as ApiKey
}

/** Undefined for what cannot be a key, or is one mistyped or cut short: no database has to be asked about it. */
export function parseApiKey(raw: string): ApiKey | undefined {
  if (!API_KEY.test(raw)) return undefined
  const stem = raw.slice(0, -CHECKSUM_LENGTH)
  return checksumOf(stem) === raw.slice(-CHECKSUM_LENGTH) ? (raw as ApiKey) : undefined
}

/**
 * What is kept of a key: its SHA-256. A slow hash (bcrypt, argon2) makes guessing dear where passwords are few;
 * 256 random bits cannot be guessed, and a slow hash would only let strangers spend this server's time.
 */
export function hashOfApiKey(key: ApiKey): Buffer {
  return createHash('sha256').update(key).digest()
}

/** The beginning of a key, which lists show: enough to find a leaked key by, 48 of its 256 bits. */
export function shownPrefixOf(key: ApiKey): string {
  return key.slice(0, SHOWN_LENGTH)
}

function checksumOf(stem: string): string {
  return crc32(stem).toString(16).padStart(CHECKSUM_LENGTH, '0')
}
