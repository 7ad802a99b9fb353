import { AbortMultipartUploadCommand, CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import type { ObjectFacts, ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { type S3Context, send } from './context.ts'
import { attributes } from './headers.ts'
import { incomplete } from './incomplete-reply.ts'
import type { Traits } from './traits.ts'

export async function createUpload(
  s3: S3Context,
  ref: ObjectRef,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<string> {
  const input = {
    Bucket: ref.bucket,
    Key: ref.key,
    ...attributes(s3.options, facts),
    ...checksumOfParts(s3.traits.of(ref.bucket)),
  }
  const request = { operation: 'CreateMultipartUpload', on: ref, signal, repeatable: false }
  const reply = await send(s3, request, (client, sending) =>
    client.send(new CreateMultipartUploadCommand(input), sending),
  )
  if (reply.UploadId) return reply.UploadId
  throw incomplete('CreateMultipartUpload', ref, 'names no upload id')
}

/** CRC-32 of the object as if it had been sent whole, in place of one of the parts' checksums, where there is that. */
function checksumOfParts({ takesChecksums, takesFullObject }: Traits) {
  if (!takesChecksums) return {}
  if (!takesFullObject) return { ChecksumAlgorithm: 'CRC32' as const }
  return { ChecksumAlgorithm: 'CRC32' as const, ChecksumType: 'FULL_OBJECT' as const }
}

export async function abortUpload(
  s3: S3Context,
  ref: ObjectRef,
  uploadId: string,
  signal: AbortSignal,
): Promise<void> {
  const input = { Bucket: ref.bucket, Key: ref.key, UploadId: uploadId }
  try {
    await send(s3, { operation: 'AbortMultipartUpload', on: ref, signal }, (client, sending) =>
      client.send(new AbortMultipartUploadCommand(input), sending),
    )
  } catch (error) {
    if (!(error instanceof LadingError) || error.code !== 'store_upload_gone') throw error
  }
}
