import { crc32 } from 'node:zlib'
import type { Crc32, PartReceipt } from '@lading/core'

/** As `x-amz-checksum-crc32` has it: base64 of four bytes, big-endian. */
export function encodeCrc32(crc: Crc32): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}

/** A part's or a whole object's CRC-32; undefined for none, and for a checksum of checksums (`…-3`). */
export function decodeCrc32(text: string | undefined): Crc32 | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(text)) return undefined
  return Buffer.from(text, 'base64').readUInt32BE() as Crc32
}

export interface ReportedChecksum {
  readonly ChecksumCRC32?: string | undefined
  readonly ChecksumType?: string | undefined
  readonly ETag?: string | undefined
}

/**
 * The CRC-32 of all the object's bytes, where the reply has it. A store that names no type may mean a checksum of
 * checksums when the object was uploaded in parts; then it is no CRC-32 of the object, and is not taken for one.
 */
export function fullCrc32(reply: ReportedChecksum): Crc32 | undefined {
  if (reply.ChecksumType === 'COMPOSITE') return undefined
  if (reply.ChecksumType === undefined && isMultipartEtag(reply.ETag)) return undefined
  return decodeCrc32(reply.ChecksumCRC32)
}

/** The checksum of checksums that a store keeps for an upload in parts when it knows no full-object checksums. */
export function compositeCrc32(parts: readonly PartReceipt[]): string | undefined {
  const bytes = Buffer.alloc(parts.length * 4)
  for (const [index, part] of parts.entries()) {
    if (part.crc32 === undefined) return undefined
    bytes.writeUInt32BE(part.crc32, index * 4)
  }
  return `${encodeCrc32(crc32(bytes) as Crc32)}-${parts.length}`
}

function isMultipartEtag(etag: string | undefined): boolean {
  return etag !== undefined && /-\d+"?$/.test(etag)
}
