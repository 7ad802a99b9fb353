import type { Crc32, ObjectFacts, Precondition } from '@lading/core'
import { encodeCrc32 } from './checksums.ts'
import type { S3Options } from './options.ts'
import type { Traits } from './traits.ts'

/** Name of the user metadata that carries the SHA-256: `x-amz-meta-sha256`. */
export const SHA256_METADATA = 'sha256'

/** What an object is created with, by Put and by CreateMultipartUpload. */
export function attributes(options: S3Options, facts: ObjectFacts) {
  return {
    ContentType: facts.contentType,
    Metadata: { [SHA256_METADATA]: facts.sha256 },
    ...encryption(options.sse),
    ...(options.storageClass === undefined ? {} : { StorageClass: options.storageClass as 'STANDARD' }),
  }
}

function encryption(sse: S3Options['sse']) {
  if (sse === undefined) return {}
  if (sse === 'AES256') return { ServerSideEncryption: 'AES256' as const }
  return { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: sse.kmsKeyId }
}

/** The checksum of a body, for Put and UploadPart. Some servers verify it only when the algorithm is named as well. */
export function checksum(traits: Traits, crc32: Crc32) {
  return traits.takesChecksums
    ? { ChecksumAlgorithm: 'CRC32' as const, ChecksumCRC32: encodeCrc32(crc32) }
    : {}
}

/** The precondition of Put and Complete, unless the store is known to have none. */
export function condition(traits: Pick<Traits, 'conditionalWrites'>, precondition: Precondition) {
  if (traits.conditionalWrites === false) return {}
  switch (precondition.kind) {
    case 'none':
      return {}
    case 'absent':
      return { IfNoneMatch: '*' }
    case 'etag':
      return { IfMatch: precondition.etag }
    default:
      return precondition satisfies never
  }
}
