import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshBucket, sharedS3 } from './provided.ts'
import { s3Client, startS3 } from './s3.ts'

/** What the tests of the stores take for granted of the S3 they run against. */
let client: S3Client
let bucket: string

beforeAll(async () => {
  client = s3Client(sharedS3())
  bucket = await freshBucket()
})

afterAll(() => client.destroy())

test('an object is stored with the CRC-32 of the whole of it', async () => {
  const Body = randomBytes(100_000)
  const object = { Bucket: bucket, Key: 'whole' }
  await client.send(new PutObjectCommand({ ...object, Body, ...checksum(Body) }))
  const head = await client.send(new HeadObjectCommand({ ...object, ChecksumMode: 'ENABLED' }))
  expect(head).toMatchObject({
    ContentLength: 100_000,
    ChecksumCRC32: crc(Body),
    ChecksumType: 'FULL_OBJECT',
  })
})

test('an upload of parts is stored with the CRC-32 of the whole of it', async () => {
  const parts = [randomBytes(5 * 1024 * 1024), randomBytes(1000)]
  const object = { Bucket: bucket, Key: 'parts' }
  const done = await uploadParts(object, parts, crc(Buffer.concat(parts)))
  expect(done).toMatchObject({ ChecksumCRC32: crc(Buffer.concat(parts)), ChecksumType: 'FULL_OBJECT' })
  const head = await client.send(new HeadObjectCommand({ ...object, ChecksumMode: 'ENABLED' }))
  expect(head).toMatchObject({ ChecksumCRC32: crc(Buffer.concat(parts)), ChecksumType: 'FULL_OBJECT' })
})

test('bytes that are not those of their checksum are refused: as an object, as a part, and as a whole', async () => {
  const Body = randomBytes(1000)
  const other = checksum(randomBytes(1000))
  const object = { Bucket: bucket, Key: 'damaged' }
  await expect(client.send(new PutObjectCommand({ ...object, Body, ...other }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 400 },
  })
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, ...FULL_OBJECT }))
  const part = new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body, ...other })
  await expect(client.send(part)).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
  await expect(uploadParts(object, [Body], crc(randomBytes(1000)))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 400 },
  })
  await expect(client.send(new HeadObjectCommand(object))).rejects.toMatchObject({ name: 'NotFound' })
})

test('a write takes effect only while its condition holds', async () => {
  const put = (key: string, condition: object) =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: randomBytes(10), ...condition }))
  const first = await put('conditional', { IfNoneMatch: '*' })
  const refused = { $metadata: { httpStatusCode: 412 } }
  await expect(put('conditional', { IfNoneMatch: '*' })).rejects.toMatchObject(refused)
  const second = await put('conditional', { IfMatch: first.ETag })
  await expect(put('conditional', { IfMatch: first.ETag })).rejects.toMatchObject(refused)
  const object = { Bucket: bucket, Key: 'conditional' }
  const body = randomBytes(10)
  await expect(uploadParts(object, [body], crc(body), { IfNoneMatch: '*' })).rejects.toMatchObject(refused)
  await expect(uploadParts(object, [body], crc(body), { IfMatch: first.ETag })).rejects.toMatchObject(refused)
  await uploadParts(object, [body], crc(body), { IfMatch: second.ETag })
})

test('a server that a test has for itself keeps its objects over a kill', async () => {
  const own = await startS3({ own: true })
  await own.createBucket('kept')
  const itsClient = s3Client(own)
  await itsClient.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/b', Body: 'c' }))
  await own.kill()
  await expect(fetch(own.endpoint)).rejects.toThrow()
  await own.start()
  expect(await itsClient.send(new HeadObjectCommand({ Bucket: 'kept', Key: 'a/b' }))).toMatchObject({
    ContentLength: 1,
  })
  itsClient.destroy()
  await own.stop()
})

const FULL_OBJECT = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const

async function uploadParts(
  object: { Bucket: string; Key: string },
  bodies: readonly Buffer[],
  ChecksumCRC32: string,
  condition = {},
) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, ...FULL_OBJECT }))
  const Parts = await Promise.all(
    bodies.map(async (Body, index) => {
      const part = { PartNumber: index + 1, ...checksum(Body) }
      const { ETag } = await client.send(new UploadPartCommand({ ...object, UploadId, Body, ...part }))
      return { PartNumber: index + 1, ETag, ChecksumCRC32: crc(Body) }
    }),
  )
  const whole = { ChecksumCRC32, ChecksumType: 'FULL_OBJECT' as const, ...condition }
  return client.send(
    new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts }, ...whole }),
  )
}

function checksum(bytes: Buffer) {
  return { ChecksumAlgorithm: 'CRC32', ChecksumCRC32: crc(bytes) } as const
}

function crc(bytes: Buffer): string {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(crc32(bytes))
  return value.toString('base64')
}
