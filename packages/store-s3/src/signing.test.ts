import { crc32Of } from '@lading/core'
import { describe, expect, it } from 'vitest'
import { BODY, FACTS, openLyingS3, REF, SIGNAL, WRITE } from './fixtures/open-lying-s3.ts'
import { isUnsigned } from './signing.ts'

describe('a request', () => {
  it('to put an object is signed with the SHA-256 of accept time, and carries its CRC-32 and both names of that', async () => {
    const { server, store } = await openLyingS3()
    await store.put(REF, BODY, FACTS, WRITE)
    expect(server.requests[0]?.headers).toMatchObject({
      'x-amz-content-sha256': FACTS.sha256,
      'x-amz-meta-sha256': FACTS.sha256,
      'x-amz-sdk-checksum-algorithm': 'CRC32',
      'content-type': 'text/plain',
      'content-length': String(BODY.length),
    })
  })

  it('with a large part waits for no "100 Continue", and uses one connection after another', async () => {
    const { server, store } = await openLyingS3({}, { maxSockets: 1 })
    const body = Buffer.alloc(5_000_000, 'x')
    const uploadId = await store.createUpload(REF, FACTS, SIGNAL)
    for (const partNumber of [1, 2, 3])
      await store.uploadPart(REF, uploadId, { partNumber, body, crc32: crc32Of(body) }, SIGNAL)
    for (const { headers } of server.requests) {
      expect(headers.expect).toBeUndefined()
      expect(headers.connection).toBe('keep-alive')
    }
  })

  it('asks for the encryption and the storage class of the settings', async () => {
    const { server, store } = await openLyingS3(
      {},
      { sse: { kmsKeyId: 'key-1' }, storageClass: 'STANDARD_IA' },
    )
    await store.put(REF, BODY, FACTS, WRITE)
    await store.createUpload(REF, FACTS, SIGNAL)
    for (const operation of ['PutObject', 'CreateMultipartUpload'])
      expect(server.requests.find((it) => it.operation === operation)?.headers).toMatchObject({
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
        'x-amz-storage-class': 'STANDARD_IA',
      })
  })

  it('leaves the bytes of a part unsigned over https, where TLS keeps them whole, and only there', () => {
    const headers = {}
    expect(isUnsigned({ protocol: 'https:', body: BODY, headers })).toBe(true)
    expect(isUnsigned({ protocol: 'http:', body: BODY, headers })).toBe(false)
    expect(isUnsigned({ protocol: 'https:', headers })).toBe(false)
    expect(isUnsigned({ protocol: 'https:', body: BODY, headers: { 'x-amz-content-sha256': 'x' } })).toBe(
      false,
    )
  })
})
