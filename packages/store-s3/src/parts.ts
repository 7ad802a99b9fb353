import { ListPartsCommand, type ListPartsCommandOutput, UploadPartCommand } from '@aws-sdk/client-s3'
import { type Crc32, crc32Of, type ObjectRef, type PartReceipt } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { decodeCrc32 } from './checksums.ts'
import { type S3Context, send } from './context.ts'
import { orEarlyRefusal } from './early-refusal.ts'
import { md5Etag, sameEtag } from './etags.ts'
import { checksum } from './headers.ts'
import { incomplete } from './incomplete-reply.ts'

export interface Part {
  readonly partNumber: number
  readonly body: Buffer
  readonly crc32: Crc32
}

export async function uploadPart(
  s3: S3Context,
  ref: ObjectRef,
  uploadId: string,
  part: Part,
  signal: AbortSignal,
): Promise<PartReceipt> {
  const { partNumber, body, crc32 } = part
  const md5 = guard(s3, ref, part)
  const input = {
    Bucket: ref.bucket,
    Key: ref.key,
    UploadId: uploadId,
    PartNumber: partNumber,
    Body: body,
    ContentLength: body.length,
    ...checksum(s3.traits.of(ref.bucket), crc32),
    ...(md5 === undefined ? {} : { ContentMD5: Buffer.from(md5, 'hex').toString('base64') }),
  }
  const request = { operation: 'UploadPart', on: ref, signal, bytes: body.length }
  const sending = send(s3, request, (client, options) => client.send(new UploadPartCommand(input), options))
  const reply = await orEarlyRefusal(sending, () => listPage(s3, ref, uploadId, undefined, signal))
  if (reply.ETag === undefined) throw incomplete('UploadPart', ref, 'names no ETag')
  const reported = decodeCrc32(reply.ChecksumCRC32)
  if (reported !== undefined && reported !== crc32)
    throw altered(ref, partNumber, 'the store reports another CRC-32')
  if (md5 !== undefined && s3.traits.of(ref.bucket).md5Etags === true && !sameEtag(reply.ETag, md5))
    throw altered(ref, partNumber, 'its ETag is not its MD5')
  return { partNumber, etag: reply.ETag, size: body.length, crc32 }
}

export async function listParts(
  s3: S3Context,
  ref: ObjectRef,
  uploadId: string,
  signal: AbortSignal,
): Promise<PartReceipt[]> {
  const parts: PartReceipt[] = []
  let marker: string | undefined
  do {
    const page = await listPage(s3, ref, uploadId, marker, signal)
    parts.push(...receipts(page))
    marker = nextMarker(page, marker, ref)
  } while (marker !== undefined)
  return parts
}

/**
 * Where the store is known to verify CRC-32s, nothing is computed here. Elsewhere the part is compared with the CRC-32 of
 * accept time before it is sent, and where the store keeps no checksum its MD5 goes along: stores that know no other
 * verify `Content-MD5`, and answer with it as the ETag.
 */
function guard(s3: S3Context, ref: ObjectRef, { partNumber, body, crc32 }: Part): string | undefined {
  const { verifiesChecksums, keepsChecksums } = s3.traits.of(ref.bucket)
  if (verifiesChecksums !== true && crc32Of(body) !== crc32)
    throw altered(ref, partNumber, 'its CRC-32 is not that of accept time; nothing was sent')
  return keepsChecksums === false ? md5Etag(body) : undefined
}

function listPage(
  s3: S3Context,
  ref: ObjectRef,
  uploadId: string,
  marker: string | undefined,
  signal: AbortSignal,
): Promise<ListPartsCommandOutput> {
  const input = { Bucket: ref.bucket, Key: ref.key, UploadId: uploadId, PartNumberMarker: marker }
  return send(s3, { operation: 'ListParts', on: ref, signal }, (client, sending) =>
    client.send(new ListPartsCommand(input), sending),
  )
}

function receipts(page: ListPartsCommandOutput): PartReceipt[] {
  return (page.Parts ?? []).map((part) => ({
    partNumber: part.PartNumber ?? 0,
    etag: part.ETag ?? '',
    size: part.Size ?? 0,
    crc32: decodeCrc32(part.ChecksumCRC32),
  }))
}

function nextMarker(
  page: ListPartsCommandOutput,
  marker: string | undefined,
  ref: ObjectRef,
): string | undefined {
  if (page.IsTruncated !== true) return undefined
  if (page.NextPartNumberMarker === undefined || page.NextPartNumberMarker === marker)
    throw incomplete('ListParts', ref, 'is truncated and names no next part')
  return page.NextPartNumberMarker
}

function altered(ref: ObjectRef, partNumber: number, why: string): LadingError {
  return new LadingError(
    'store_checksum_mismatch',
    `Part ${partNumber} of s3://${ref.bucket}/${ref.key} is not the part that was accepted: ${why}.`,
  )
}
