import { CopyObjectCommand } from '@aws-sdk/client-s3'
import type { ObjectFacts, ObjectRef, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { orReplaced } from './conditional-write.ts'
import { type S3Context, STORE_COPIES_BYTES_PER_MS, sendPatiently } from './context.ts'
import { type CopySource, copySource } from './copy-source.ts'
import { see } from './head.ts'
import { attributes, condition } from './headers.ts'
import { incomplete } from './incomplete-reply.ts'

/**
 * Copies an object by one request, as put would have written it, and gives the ETag that the store names. The
 * precondition goes along only where the store is known to heed it.
 */
export async function copyObject(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  facts: ObjectFacts,
  { precondition, signal }: WriteOptions,
): Promise<string> {
  const traits = s3.traits.of(to.bucket)
  const input = {
    Bucket: to.bucket,
    Key: to.key,
    ...copySource(source),
    ...attributes(s3.options, facts),
    MetadataDirective: 'REPLACE' as const,
    // To copy tags takes a permission of its own (s3:GetObjectTagging), and Lading writes none.
    TaggingDirective: 'REPLACE' as const,
    ...(traits.takesChecksums ? { ChecksumAlgorithm: 'CRC32' as const } : {}),
    ...condition({ conditionalWrites: traits.conditionalCopies === true }, precondition),
  }
  const request = { operation: 'CopyObject', on: to, signal }
  const timeoutMs = s3.options.requestTimeoutMs + facts.size / STORE_COPIES_BYTES_PER_MS
  try {
    return await sendPatiently(s3, request, timeoutMs, async (client, sending) => {
      const reply = await client.send(new CopyObjectCommand(input), sending)
      // The status is sent before the copy has ended: without a result, what follows is an error, whatever its form.
      if (reply.CopyObjectResult?.ETag) return reply.CopyObjectResult.ETag
      throw incomplete('CopyObject', to, 'names no ETag')
    })
  } catch (error) {
    throw await whichIsMissing(s3, source, to, error, signal)
  }
}

/** NoSuchKey is the answer both for a source that has gone and for an `If-Match` on a key that holds nothing. */
async function whichIsMissing(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(error instanceof LadingError) || error.code !== 'store_object_missing') return error
  return (await see(s3, source.ref, signal)) === undefined ? error : orReplaced(error, to)
}
