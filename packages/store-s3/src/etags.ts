import { createHash } from 'node:crypto'
import type { PartReceipt } from '@lading/core'

/** The ETag that an unencrypted object of one request has: the MD5 of its bytes. */
export function md5Etag(body: Buffer): string {
  return createHash('md5').update(body).digest('hex')
}

/** The ETag that an unencrypted object of parts has: the MD5 of the parts' MD5s, and their count. */
export function multipartEtag(parts: readonly PartReceipt[]): string | undefined {
  const whole = createHash('md5')
  for (const part of parts) {
    const md5 = bare(part.etag)
    if (!/^[0-9a-f]{32}$/.test(md5)) return undefined
    whole.update(Buffer.from(md5, 'hex'))
  }
  return `${whole.digest('hex')}-${parts.length}`
}

/** Compares ETags; S3 writes them with quotes in headers and some stores without in XML. */
export function sameEtag(a: string, b: string): boolean {
  return bare(a) === bare(b)
}

function bare(etag: string): string {
  return etag.replace(/^W\//, '').replace(/^"|"$/g, '')
}
