import type {
  HeadObjectCommandOutput,
  PutObjectCommandInput,
  PutObjectCommandOutput,
  S3Client,
} from '@aws-sdk/client-s3'
import type { ObjectRef, Sha256Hex } from '@lading/core'
import type { Sending } from './context.ts'
import { sendDirectly } from './direct.ts'
import { SHA256_METADATA } from './headers.ts'

/** What this package puts of a PutObject's input, and its headers (API reference, PutObject). */
const HEADERS = {
  ContentLength: 'content-length',
  ContentType: 'content-type',
  ServerSideEncryption: 'x-amz-server-side-encryption',
  SSEKMSKeyId: 'x-amz-server-side-encryption-aws-kms-key-id',
  StorageClass: 'x-amz-storage-class',
  ChecksumAlgorithm: 'x-amz-sdk-checksum-algorithm',
  ChecksumCRC32: 'x-amz-checksum-crc32',
  IfMatch: 'if-match',
  IfNoneMatch: 'if-none-match',
} as const satisfies Partial<Record<keyof PutObjectCommandInput, string>>

type Named = Pick<PutObjectCommandInput, keyof typeof HEADERS>

export interface PutInput extends Named {
  readonly Bucket: string
  readonly Key: string
  readonly Body: Buffer
  readonly Metadata: Readonly<Record<string, string>>
}

export type PutReply = Pick<PutObjectCommandOutput, 'ETag' | 'Size' | 'ChecksumCRC32' | 'ChecksumType'>

/** PutObject; undefined: see `sendDirectly`. */
export async function putDirectly(
  client: S3Client,
  { Bucket, Key, Body, Metadata, ...named }: PutInput,
  sha256: Sha256Hex,
  sending: Sending,
): Promise<PutReply | undefined> {
  const headers: Record<string, string> = { 'x-amz-content-sha256': sha256 }
  for (const [name, value] of Object.entries(Metadata)) headers[`x-amz-meta-${name}`] = value
  for (const [name, value] of Object.entries(named))
    if (value !== undefined) headers[HEADERS[name as keyof Named]] = String(value)
  const request = { method: 'PUT', ref: { bucket: Bucket, key: Key }, headers, body: Body } as const
  const reply = await sendDirectly(client, request, sending)
  if (reply === undefined) return undefined
  const size = reply.headers['x-amz-object-size']
  return { ...described(reply.headers), Size: size === undefined ? undefined : Number(size) }
}

export type HeadReply = Pick<
  HeadObjectCommandOutput,
  | 'ETag'
  | 'ChecksumCRC32'
  | 'ChecksumType'
  | 'ContentLength'
  | 'Metadata'
  | 'ServerSideEncryption'
  | 'SSECustomerAlgorithm'
>

/** HeadObject; undefined: see `sendDirectly`. */
export async function headDirectly(
  client: S3Client,
  ref: ObjectRef,
  sending: Sending,
): Promise<HeadReply | undefined> {
  const request = { method: 'HEAD', ref, headers: { 'x-amz-checksum-mode': 'ENABLED' } } as const
  const reply = await sendDirectly(client, request, sending)
  if (reply === undefined) return undefined
  const { headers } = reply
  const length = headers['content-length']
  const sha256 = headers[`x-amz-meta-${SHA256_METADATA}`]
  return {
    ...described(headers),
    ContentLength: length === undefined ? undefined : Number(length),
    Metadata: sha256 === undefined ? undefined : { [SHA256_METADATA]: sha256 },
    ServerSideEncryption: headers['x-amz-server-side-encryption'] as HeadReply['ServerSideEncryption'],
    SSECustomerAlgorithm: headers['x-amz-server-side-encryption-customer-algorithm'],
  }
}

function described(
  headers: Readonly<Record<string, string>>,
): Pick<PutReply, 'ETag' | 'ChecksumCRC32' | 'ChecksumType'> {
  return {
    ETag: headers.etag,
    ChecksumCRC32: headers['x-amz-checksum-crc32'],
    ChecksumType: headers['x-amz-checksum-type'] as PutReply['ChecksumType'],
  }
}
