import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { ListedObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { type S3Context, send } from './context.ts'

export async function* list(
  s3: S3Context,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ListedObject> {
  let token: string | undefined
  do {
    const input = { Bucket: bucket, Prefix: prefix, ContinuationToken: token }
    const page = await send(s3, { operation: 'ListObjectsV2', on: { bucket }, signal }, (client, sending) =>
      client.send(new ListObjectsV2Command(input), sending),
    )
    for (const { Key, Size, LastModified } of page.Contents ?? [])
      if (Key !== undefined) yield { key: Key, size: Size ?? 0, modifiedAt: LastModified ?? unknownAge() }
    token = following('ListObjectsV2', bucket, page.IsTruncated, page.NextContinuationToken, token)
  } while (token !== undefined)
}

/** A store that calls a page truncated and names no other place to go on from would be asked for ever. */
export function following(
  operation: string,
  bucket: string,
  truncated: boolean | undefined,
  next: string | undefined,
  current: string | undefined,
): string | undefined {
  if (truncated !== true) return undefined
  if (next !== undefined && next !== '' && next !== current) return next
  throw new LadingError(
    'store_rejected',
    `The reply to ${operation} on s3://${bucket} is truncated and does not say where to go on.`,
  )
}

/** What has no date counts as new: those who clear up by age must not take it. */
export function unknownAge(): Date {
  return new Date()
}
