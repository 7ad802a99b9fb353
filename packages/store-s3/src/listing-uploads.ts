import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import type { ListedUpload } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { type S3Context, send } from './context.ts'
import { following, unknownAge } from './listing.ts'

/** Where a page begins: after this upload, or after all those of this key. */
interface Marker {
  readonly KeyMarker?: string | undefined
  readonly UploadIdMarker?: string | undefined
}

type Page = ListMultipartUploadsCommandOutput

export async function* listUploads(
  s3: S3Context,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ListedUpload> {
  const pageAt = (at: Marker, below = prefix) => readPage(s3, bucket, below, at, signal)
  let uploads: ListedUpload[] = []
  for (let at: Marker | undefined = {}; at !== undefined; ) {
    let page: Page
    try {
      page = await pageAt(at)
    } catch (error) {
      const { KeyMarker } = at
      if (KeyMarker === undefined || at.UploadIdMarker === undefined || !isRejected(error)) throw error
      // Some stores take no second marker, whatever its value (versitygw 1.8): the uploads to that one key are asked
      // for by name, and the listing goes on after it.
      yield* missed(uploads, uploadsOf(await pageAt({}, KeyMarker)), KeyMarker)
      page = await pageAt({ KeyMarker })
    }
    uploads = uploadsOf(page)
    yield* uploads
    at = next(bucket, page, at)
  }
}

function readPage(
  s3: S3Context,
  bucket: string,
  prefix: string,
  at: Marker,
  signal: AbortSignal,
): Promise<Page> {
  const request = { operation: 'ListMultipartUploads', on: { bucket }, signal }
  return send(s3, request, (client, sending) =>
    client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...at }), sending),
  )
}

function uploadsOf(page: Page): ListedUpload[] {
  const uploads: ListedUpload[] = []
  for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
    if (Key !== undefined && UploadId !== undefined)
      uploads.push({ key: Key, uploadId: UploadId, startedAt: Initiated ?? unknownAge() })
  return uploads
}

function missed(seen: readonly ListedUpload[], found: readonly ListedUpload[], key: string): ListedUpload[] {
  const known = new Set(seen.map(({ uploadId }) => uploadId))
  return found.filter((upload) => upload.key === key && !known.has(upload.uploadId))
}

function next(bucket: string, page: Page, at: Marker): Marker | undefined {
  const { NextKeyMarker, NextUploadIdMarker, IsTruncated } = page
  const place = NextKeyMarker === undefined ? undefined : `${NextKeyMarker} ${NextUploadIdMarker}`
  const here = `${at.KeyMarker} ${at.UploadIdMarker}`
  if (following('ListMultipartUploads', bucket, IsTruncated, place, here) === undefined) return undefined
  return { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker || undefined }
}

function isRejected(error: unknown): boolean {
  return error instanceof LadingError && error.code === 'store_rejected'
}
