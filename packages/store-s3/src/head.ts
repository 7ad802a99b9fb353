import { HeadBucketCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import type { Crc32, ObjectRef, Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { fullCrc32, type ReportedChecksum } from './checksums.ts'
import { type S3Context, send } from './context.ts'
import { type HeadReply, headDirectly } from './direct-object.ts'
import { SHA256_METADATA } from './headers.ts'

/** What the store says of an object. */
export interface Seen {
  /** Bytes. */
  readonly size: number
  readonly etag: string
  /** CRC-32 of the whole object, unless the store is known to repeat whatever it was told. */
  readonly crc32: Crc32 | undefined
  /** Checksum of the parts' checksums, as it stands in the reply. */
  readonly compositeCrc32: string | undefined
  readonly declaredSha256: Sha256Hex | undefined
  /** Encrypted with a key whose ETags are no MD5s (SSE-KMS, SSE-C). */
  readonly opaqueEtag: boolean
}

export async function see(s3: S3Context, ref: ObjectRef, signal: AbortSignal): Promise<Seen | undefined> {
  try {
    return await headObject(s3, ref, signal)
  } catch (error) {
    if (!isNotFound(error)) throw error
    await confirmBucket(s3, ref.bucket, signal)
    return undefined
  }
}

/** Fails with `store_bucket_missing` and whatever else keeps the bucket out of reach. */
export async function checkBucket(s3: S3Context, bucket: string, signal: AbortSignal): Promise<void> {
  try {
    await send(s3, { operation: 'HeadBucket', on: { bucket }, signal }, (client, sending) =>
      client.send(new HeadBucketCommand({ Bucket: bucket }), sending),
    )
  } catch (error) {
    throw isNotFound(error) ? bucketMissing(bucket, error) : error
  }
}

async function headObject(s3: S3Context, ref: ObjectRef, signal: AbortSignal): Promise<Seen> {
  const traits = s3.traits.of(ref.bucket)
  const command = { Bucket: ref.bucket, Key: ref.key, ChecksumMode: 'ENABLED' } as const
  const reply = await send<HeadReply>(
    s3,
    { operation: 'HeadObject', on: ref, signal },
    async (client, sending) =>
      (await headDirectly(client, ref, sending)) ??
      (await client.send(new HeadObjectCommand(command), sending)),
  )
  const reported: ReportedChecksum = traits.keepsChecksums === false ? {} : reply
  return {
    size: reply.ContentLength ?? Number.NaN,
    etag: reply.ETag ?? '',
    crc32: fullCrc32(reported),
    compositeCrc32: reported.ChecksumCRC32,
    declaredSha256: reply.Metadata?.[SHA256_METADATA] as Sha256Hex | undefined,
    opaqueEtag: reply.SSECustomerAlgorithm !== undefined || /kms/.test(reply.ServerSideEncryption ?? ''),
  }
}

/** A reply to HEAD has no body, so "no such key" and "no such bucket" look alike. */
async function confirmBucket(s3: S3Context, bucket: string, signal: AbortSignal): Promise<void> {
  try {
    await checkBucket(s3, bucket, signal)
  } catch (error) {
    // Whoever may read objects need not be allowed to ask for the bucket.
    if (error instanceof LadingError && error.code === 'store_access_denied') return
    throw error
  }
}

function isNotFound(error: unknown): boolean {
  if (!(error instanceof LadingError)) return false
  const cause = error.cause as { $metadata?: { httpStatusCode?: number } } | undefined
  return cause?.$metadata?.httpStatusCode === 404
}

function bucketMissing(bucket: string, cause: unknown): LadingError {
  return new LadingError(
    'store_bucket_missing',
    `HeadBucket on s3://${bucket} failed (HTTP 404). Create the bucket, or correct its name in the settings or the ` +
      'artifact location.',
    { cause },
  )
}
