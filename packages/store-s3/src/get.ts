import type { Readable } from 'node:stream'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { ByteRange, ObjectRef, OpenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { type S3Context, sendPatiently } from './context.ts'
import { DownloadBody } from './download-body.ts'
import { sameEtag } from './etags.ts'

export interface GetOptions {
  readonly range?: ByteRange
  readonly ifMatch?: string
  readonly signal: AbortSignal
}

export async function get(s3: S3Context, ref: ObjectRef, options: GetOptions): Promise<OpenObject> {
  const { range, ifMatch, signal } = options
  const input = {
    Bucket: ref.bucket,
    Key: ref.key,
    ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
  }
  const request = { operation: 'GetObject', on: ref, signal }
  const reply = await sendPatiently(s3, request, s3.options.requestTimeoutMs, (client, sending) =>
    client.send(new GetObjectCommand(input), sending),
  )
  const source = reply.Body as Readable
  try {
    const { ETag: etag, ContentLength: length } = reply
    if (etag === undefined || length === undefined) throw unusable(ref, 'has no ETag or no length')
    if (ifMatch !== undefined && !sameEtag(ifMatch, etag)) throw replaced(ref, ifMatch, etag)
    if (range !== undefined && !isOfRange(reply.ContentRange, range))
      throw unusable(
        ref,
        `to bytes ${range.start}-${range.end} is of ${reply.ContentRange ?? 'the whole object'}`,
      )
    const stallMs = s3.options.requestTimeoutMs
    return { body: new DownloadBody(source, { ref, length, stallMs, signal }), length, etag }
  } catch (error) {
    source.destroy()
    throw error
  }
}

/** A server may ignore `Range` and send everything (RFC 9110, 14.2). */
function isOfRange(contentRange: string | undefined, range: ByteRange): boolean {
  return contentRange?.startsWith(`bytes ${range.start}-`) === true
}

function unusable(ref: ObjectRef, why: string): LadingError {
  return new LadingError(
    'store_rejected',
    `The reply to GetObject on s3://${ref.bucket}/${ref.key} ${why}: the store does not do what S3 documents.`,
  )
}

function replaced(ref: ObjectRef, wanted: string, found: string): LadingError {
  return new LadingError(
    'store_precondition_failed',
    `The object at s3://${ref.bucket}/${ref.key} has the ETag ${found}, not ${wanted}: it was replaced.`,
  )
}
