import { describe, expect, it } from 'vitest'
import { classify } from './errors.ts'
import { answer } from './fixtures/lying-s3.ts'
import {
  BODY,
  beginUpload,
  codeOf,
  errorOf,
  FACTS,
  openLyingS3,
  REF,
  SIGNAL,
  WRITE,
} from './fixtures/open-lying-s3.ts'
import { fault } from './fixtures/replies.ts'

describe('what the store says becomes a row of the error table', () => {
  for (const [status, name, code] of [
    [403, 'AccessDenied', 'store_access_denied'],
    [403, 'InvalidAccessKeyId', 'store_access_denied'],
    [403, 'SignatureDoesNotMatch', 'store_access_denied'],
    [400, 'ExpiredToken', 'store_access_denied'],
    [404, 'NoSuchBucket', 'store_bucket_missing'],
    [404, 'NoSuchUpload', 'store_upload_gone'],
    [400, 'BadDigest', 'store_checksum_mismatch'],
    [400, 'XAmzContentSHA256Mismatch', 'store_checksum_mismatch'],
    [400, 'InvalidPart', 'store_object_mismatch'],
    [412, 'PreconditionFailed', 'store_precondition_failed'],
    [409, 'ConditionalRequestConflict', 'store_precondition_failed'],
    [409, 'OperationAborted', 'store_unavailable'],
    [400, 'RequestTimeout', 'store_unavailable'],
    [403, 'RequestTimeTooSkewed', 'store_unavailable'],
    [403, 'QuotaExceeded', 'store_unavailable'],
    [429, 'TooManyRequests', 'store_unavailable'],
    [507, 'StorageFull', 'store_unavailable'],
    [400, 'EntityTooSmall', 'store_rejected'],
    [400, 'SomethingNew', 'store_rejected'],
    [405, 'MethodNotAllowed', 'store_rejected'],
    [501, 'NotImplemented', 'store_rejected'],
  ] as const) {
    it(`${status} ${name}: ${code}`, async () => {
      const { server, store } = await openLyingS3()
      const { uploadId } = await beginUpload(store)
      server.lie('UploadPart', answer(fault(status, name, 'Said the store.')))
      const part = { partNumber: 1, body: BODY, crc32: FACTS.crc32 }
      const error = await errorOf(store.uploadPart(REF, uploadId, part, SIGNAL))
      expect(error.code).toBe(code)
      expect(error.detail).toContain(
        `UploadPart on s3://bucket/runs/1/model.pkl failed (HTTP ${status}, ${name}, request id R1)`,
      )
      expect(error.detail).toContain('Said the store.')
      expect(error.cause).toBeDefined()
    })
  }

  it('tells a missing bucket from a missing object, though HEAD answers both alike', async () => {
    const { server, store } = await openLyingS3()
    expect(await store.head(REF, SIGNAL)).toBeUndefined()
    server.lie('HeadBucket', answer({ status: 404 }))
    expect(await codeOf(store.head(REF, SIGNAL))).toBe('store_bucket_missing')
    expect(await codeOf(store.check('bucket', SIGNAL))).toBe('store_bucket_missing')
  })

  it('takes an object for absent when the bucket itself may not be asked for', async () => {
    const { server, store } = await openLyingS3()
    server.lie('HeadBucket', answer({ status: 403 }))
    expect(await store.head(REF, SIGNAL)).toBeUndefined()
    expect(await codeOf(store.check('bucket', SIGNAL))).toBe('store_access_denied')
  })

  it('names the region that a bucket is in', async () => {
    const { server, store } = await openLyingS3()
    const moved = fault(301, 'PermanentRedirect')
    server.lie(
      'PutObject',
      answer({ ...moved, headers: { ...moved.headers, 'x-amz-bucket-region': 'eu-north-1' } }),
    )
    const error = await errorOf(store.put(REF, BODY, FACTS, WRITE))
    expect(error).toMatchObject({ code: 'store_rejected', retryable: false })
    expect(error.detail).toContain('eu-north-1')
  })

  it('takes an If-Match on a key that holds nothing for a precondition that does not hold', async () => {
    const { server, store } = await openLyingS3()
    server.lie('PutObject', answer(fault(404, 'NoSuchKey')))
    const options = { precondition: { kind: 'etag', etag: '"x"' }, signal: SIGNAL } as const
    expect(await codeOf(store.put(REF, BODY, FACTS, options))).toBe('store_precondition_failed')
  })

  it('says what to do when there are no credentials, or the certificate is not trusted', () => {
    const asked = { operation: 'PutObject', bucket: 'bucket' }
    const none = classify(Object.assign(new Error('none'), { name: 'CredentialsProviderError' }), asked)
    expect(none.detail).toContain('give an access key')
    const untrusted = classify(Object.assign(new Error('no'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), asked)
    expect(untrusted).toMatchObject({ code: 'store_unavailable', detail: expect.stringContaining('CA file') })
  })
})
