import { CompleteMultipartUploadCommand, type CompleteMultipartUploadCommandOutput } from '@aws-sdk/client-s3'
import type { ObjectFacts, ObjectRef, PartReceipt, StoredObject, WriteOptions } from '@lading/core'
import { compositeCrc32, encodeCrc32, fullCrc32 } from './checksums.ts'
import { writeConditionally } from './conditional-write.ts'
import { type S3Context, STORE_COPIES_BYTES_PER_MS, sendPatiently } from './context.ts'
import { multipartEtag } from './etags.ts'
import { condition } from './headers.ts'
import { type Evidence, mismatch, proveWritten } from './verification.ts'

export async function completeUpload(
  s3: S3Context,
  ref: ObjectRef,
  uploadId: string,
  parts: readonly PartReceipt[],
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  const inOrder = parts.toSorted((a, b) => a.partNumber - b.partNumber)
  const evidence = evidenceOf(s3, ref, inOrder)
  return await writeConditionally(s3, ref, facts, evidence, options, async () => {
    const reply = await complete(s3, ref, uploadId, inOrder, facts, options)
    const reported = fullCrc32(reply)
    if (
      reported !== undefined &&
      reported !== facts.crc32 &&
      s3.traits.of(ref.bucket).keepsChecksums !== false
    )
      throw mismatch(ref, 'the store reports another CRC-32 of the completed upload')
    return await proveWritten(s3, ref, facts, { ...evidence, etag: reply.ETag }, options.signal)
  })
}

/**
 * That the ETag is the MD5 of the parts' MD5s shows that these parts were joined; it shows their bytes only where each
 * part was sent with its MD5, which is where the probe found that the store keeps no checksums.
 */
function evidenceOf(s3: S3Context, ref: ObjectRef, parts: readonly PartReceipt[]): Evidence {
  const { keepsChecksums, md5Etags } = s3.traits.of(ref.bucket)
  const partsCarriedMd5 = keepsChecksums === false && md5Etags === true
  return {
    compositeCrc32: () => compositeCrc32(parts),
    ...(partsCarriedMd5 ? { md5Etag: () => multipartEtag(parts) } : {}),
  }
}

export function complete(
  s3: S3Context,
  ref: ObjectRef,
  uploadId: string,
  parts: readonly PartReceipt[],
  facts: ObjectFacts,
  { precondition, signal }: WriteOptions,
): Promise<CompleteMultipartUploadCommandOutput> {
  const traits = s3.traits.of(ref.bucket)
  const input = {
    Bucket: ref.bucket,
    Key: ref.key,
    UploadId: uploadId,
    MultipartUpload: { Parts: parts.map((part) => named(part, traits.takesChecksums)) },
    ...(traits.takesChecksums && traits.takesFullObject ? wholeObject(facts) : {}),
    ...condition(traits, precondition),
  }
  const timeoutMs = s3.options.requestTimeoutMs + facts.size / STORE_COPIES_BYTES_PER_MS
  const request = { operation: 'CompleteMultipartUpload', on: ref, signal }
  return sendPatiently(s3, request, timeoutMs, (client, sending) =>
    client.send(new CompleteMultipartUploadCommand(input), sending),
  )
}

function wholeObject(facts: ObjectFacts) {
  return {
    ChecksumType: 'FULL_OBJECT' as const,
    ChecksumCRC32: encodeCrc32(facts.crc32),
    MpuObjectSize: facts.size,
  }
}

function named({ partNumber, etag, crc32 }: PartReceipt, withChecksum: boolean) {
  const checksum = withChecksum && crc32 !== undefined ? { ChecksumCRC32: encodeCrc32(crc32) } : {}
  return { PartNumber: partNumber, ETag: etag, ...checksum }
}
