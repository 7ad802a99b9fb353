import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import type { ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { type S3Context, send } from './context.ts'
import { isNotImplemented } from './errors.ts'
import { sameEtag } from './etags.ts'
import { see } from './head.ts'

/**
 * Many stores ignore `If-Match` on DELETE, so the ETag is compared first; the header closes the gap between the two
 * where the store knows it.
 */
export async function remove(
  s3: S3Context,
  ref: ObjectRef,
  { ifMatch, signal }: { readonly ifMatch?: string; readonly signal: AbortSignal },
): Promise<void> {
  if (ifMatch === undefined) return await deleteObject(s3, ref, signal, {})
  const seen = await see(s3, ref, signal)
  if (seen === undefined || !sameEtag(seen.etag, ifMatch)) return
  try {
    await deleteObject(s3, ref, signal, { IfMatch: ifMatch })
  } catch (error) {
    if (!isNotImplemented(error)) throw error
    await deleteObject(s3, ref, signal, {})
  }
}

async function deleteObject(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
  condition: { IfMatch?: string },
): Promise<void> {
  const input = { Bucket: ref.bucket, Key: ref.key, ...condition }
  try {
    await send(s3, { operation: 'DeleteObject', on: ref, signal }, (client, sending) =>
      client.send(new DeleteObjectCommand(input), sending),
    )
  } catch (error) {
    if (!(error instanceof LadingError) || !LEFT_ALONE.has(error.code)) throw error
  }
}

/** Gone already, or another object by now: both are what the caller asked for. */
const LEFT_ALONE: ReadonlySet<string> = new Set(['store_object_missing', 'store_precondition_failed'])
