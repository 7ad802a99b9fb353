import { describe, expect, it } from 'vitest'
import { answer } from './fixtures/lying-s3.ts'
import {
  BODY,
  beginUpload,
  codeOf,
  errorOf,
  FACTS,
  openBlackHole,
  openLyingS3,
  openStoreAt,
  PATH,
  REF,
  SIGNAL,
  WRITE,
} from './fixtures/open-lying-s3.ts'
import { fault } from './fixtures/replies.ts'

const NOT_MD5 = `"${'a'.repeat(32)}"`

describe('a store that lies about what it keeps', () => {
  it('is caught when it acknowledges an object and has none', async () => {
    const { server, store } = await openLyingS3()
    server.lie('PutObject', answer({ status: 200, headers: { etag: NOT_MD5 } }))
    expect(await codeOf(store.put(REF, BODY, FACTS, WRITE))).toBe('store_object_mismatch')
  })

  it('is caught when it keeps fewer bytes than it was given', async () => {
    const { server, store } = await openLyingS3()
    server.lie('PutObject', async ({ honestly }) => {
      await honestly()
      const stored = server.objects.get(PATH)
      if (stored !== undefined) server.objects.set(PATH, { ...stored, body: stored.body.subarray(1) })
    })
    const error = await errorOf(store.put(REF, BODY, FACTS, WRITE))
    expect(error).toMatchObject({ code: 'store_object_mismatch', retryable: true })
    expect(error.detail).toMatch(/27 bytes, not 28/)
  })

  it('is caught when it reports another checksum, in the answer to the write or afterwards', async () => {
    const { server, store } = await openLyingS3()
    const other = { etag: NOT_MD5, 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-type': 'FULL_OBJECT' }
    server.lie('PutObject', answer({ status: 200, headers: other }), 1)
    expect(await codeOf(store.put(REF, BODY, FACTS, WRITE))).toBe('store_object_mismatch')
    server.lie('HeadObject', answer({ status: 200, headers: other, body: BODY }))
    expect(await codeOf(store.put(REF, BODY, FACTS, WRITE))).toBe('store_object_mismatch')
  })

  it('is caught when it names one ETag and keeps another', async () => {
    const { server, store } = await openLyingS3()
    server.lie('PutObject', async ({ honestly, response }) => {
      const { writeHead } = response
      response.writeHead = ((status: number, headers: object) =>
        writeHead.call(response, status, { ...headers, etag: NOT_MD5 })) as typeof response.writeHead
      await honestly()
    })
    expect((await errorOf(store.put(REF, BODY, FACTS, WRITE))).detail).toContain(NOT_MD5)
  })

  it('is caught when it completes an upload with other bytes', async () => {
    const { server, store } = await openLyingS3()
    const { uploadId, parts } = await beginUpload(store)
    const part = server.uploads.get(uploadId)?.parts.get(1)
    if (part === undefined) throw new Error('no part')
    server.uploads.get(uploadId)?.parts.set(1, { ...part, body: Buffer.from(BODY.toString().toUpperCase()) })
    expect(await codeOf(store.completeUpload(REF, uploadId, parts, FACTS, WRITE))).toBe(
      'store_object_mismatch',
    )
  })
})

describe('a store that says in its answer to a put all that it knows', () => {
  const full = { sizes: 'in answers' } as const

  it('is asked no more, once its probe has shown that it computes what it says', async () => {
    const { server, store } = await openLyingS3(full)
    await store.put(REF, BODY, FACTS, WRITE)
    expect(server.count('HeadObject')).toBe(1)
    await store.probe('bucket', '', SIGNAL)
    const before = server.count('HeadObject')
    const stored = await store.put(REF, BODY, FACTS, WRITE)
    expect(stored).toEqual({ etag: server.objects.get(PATH)?.etag, proof: 'checksum' })
    expect(server.count('HeadObject')).toBe(before)
  })

  it('is asked all the same when it says anything else, and caught', async () => {
    const { server, store } = await openLyingS3(full)
    await store.probe('bucket', '', SIGNAL)
    for (const lie of [
      { etag: NOT_MD5 },
      { 'x-amz-object-size': '27' },
      { 'x-amz-checksum-crc32': 'AAAAAA==' },
    ]) {
      server.lie(
        'PutObject',
        async ({ honestly, response }) => {
          const { writeHead } = response
          response.writeHead = ((status: number, headers: object) =>
            writeHead.call(response, status, { ...headers, ...lie })) as typeof response.writeHead
          await honestly()
          const stored = server.objects.get(PATH)
          if (stored !== undefined) server.objects.set(PATH, { ...stored, body: stored.body.subarray(1) })
        },
        1,
      )
      expect(await codeOf(store.put(REF, BODY, FACTS, WRITE))).toBe('store_object_mismatch')
    }
  })

  for (const character of [
    { checksums: 'repeated' },
    { checksums: 'unknown' },
    { etags: 'opaque' },
  ] as const) {
    it(`is asked all the same when the probe found it to be ${JSON.stringify(character)}`, async () => {
      const { server, store } = await openLyingS3({ ...full, ...character })
      await store.probe('bucket', '', SIGNAL)
      const before = server.count('HeadObject')
      await store.put(REF, BODY, FACTS, WRITE)
      expect(server.count('HeadObject')).toBe(before + 1)
    })
  }

  it('is asked for its size where it leaves that out, so that a short object is caught', async () => {
    const { server, store } = await openLyingS3()
    await store.probe('bucket', '', SIGNAL)
    server.lie('PutObject', async ({ honestly }) => {
      await honestly()
      const stored = server.objects.get(PATH)
      if (stored !== undefined) server.objects.set(PATH, { ...stored, body: stored.body.subarray(1) })
    })
    expect((await errorOf(store.put(REF, BODY, FACTS, WRITE))).detail).toMatch(/27 bytes, not 28/)
  })
})

describe('a store that keeps no checksums', () => {
  it('is believed when its ETags are MD5s', async () => {
    const { server, store } = await openLyingS3({ checksums: 'unknown' })
    expect(await store.probe('bucket', '', SIGNAL)).toEqual({
      verifiesChecksums: false,
      reportsChecksums: false,
      conditionalWrites: true,
    })
    expect(await store.put(REF, BODY, FACTS, WRITE)).toMatchObject({ proof: 'etag' })
    const { uploadId, parts } = await beginUpload(store)
    expect(await store.completeUpload(REF, uploadId, parts, FACTS, WRITE)).toMatchObject({ proof: 'etag' })
    expect(server.count('GetObject')).toBe(0)
    expect(
      server.requests.findLast((it) => it.operation === 'UploadPart')?.headers['content-md5'],
    ).toBeDefined()
  })

  it('is caught by an ETag that is not the MD5 of what was sent', async () => {
    const { server, store } = await openLyingS3({ checksums: 'unknown' })
    await store.probe('bucket', '', SIGNAL)
    server.lie('PutObject', async ({ honestly }) => {
      await honestly()
      const stored = server.objects.get(PATH)
      if (stored !== undefined) server.objects.set(PATH, { ...stored, etag: NOT_MD5 })
    })
    expect(await codeOf(store.put(REF, BODY, FACTS, WRITE))).toBe('store_object_mismatch')
    const uploadId = await store.createUpload(REF, FACTS, SIGNAL)
    server.lie('UploadPart', answer({ status: 200, headers: { etag: NOT_MD5 } }))
    const part = { partNumber: 1, body: BODY, crc32: FACTS.crc32 }
    expect(await codeOf(store.uploadPart(REF, uploadId, part, SIGNAL))).toBe('store_checksum_mismatch')
  })

  it('is read back when its ETags say nothing, and found right or wrong', async () => {
    const { server, store } = await openLyingS3({ checksums: 'unknown', etags: 'opaque' })
    await store.probe('bucket', '', SIGNAL)
    expect(await store.put(REF, BODY, FACTS, WRITE)).toMatchObject({ proof: 'read-back' })
    const { uploadId, parts } = await beginUpload(store)
    expect(await store.completeUpload(REF, uploadId, parts, FACTS, WRITE)).toMatchObject({
      proof: 'read-back',
    })
    const stored = server.objects.get(PATH)
    if (stored === undefined) throw new Error('no object')
    server.objects.set(PATH, { ...stored, body: Buffer.from(BODY.toString().toUpperCase()) })
    expect(await store.prove(REF, FACTS, SIGNAL)).toBeUndefined()
  })

  it('is read back across a connection that breaks', async () => {
    const { server, store } = await openLyingS3({ checksums: 'unknown', etags: 'opaque' })
    await store.probe('bucket', '', SIGNAL)
    server.lie(
      'GetObject',
      ({ response }) => {
        const { etag } = server.objects.get(PATH) ?? { etag: '' }
        const headers = {
          etag,
          'content-length': BODY.length,
          'content-range': `bytes 0-${BODY.length - 1}/${BODY.length}`,
        }
        response.writeHead(206, headers).write(BODY.subarray(0, 5))
        setImmediate(() => response.socket?.destroy())
      },
      1,
    )
    expect(await store.put(REF, BODY, FACTS, WRITE)).toMatchObject({ proof: 'read-back' })
  })

  it('is not sent bytes that are not those that were accepted', async () => {
    const { server, store } = await openLyingS3({ checksums: 'unknown' })
    await store.probe('bucket', '', SIGNAL)
    const before = server.requests.length
    const flipped = Buffer.from(BODY.toString().toUpperCase())
    expect(await codeOf(store.put(REF, flipped, FACTS, WRITE))).toBe('store_checksum_mismatch')
    expect(server.requests.length).toBe(before)
  })

  it('is not believed when it repeats the checksum that it was told', async () => {
    const { store } = await openLyingS3({ checksums: 'repeated', etags: 'opaque' })
    expect(await store.probe('bucket', '', SIGNAL)).toMatchObject({
      verifiesChecksums: false,
      reportsChecksums: false,
    })
    expect(await store.put(REF, BODY, FACTS, WRITE)).toMatchObject({ proof: 'read-back' })
    expect((await store.head(REF, SIGNAL))?.crc32).toBeUndefined()
  })
})

describe('a store that knows only checksums of checksums for uploads in parts', () => {
  it('is found out by its probe, and proves an upload by that', async () => {
    const { server, store } = await openLyingS3({ checksums: 'composite', etags: 'opaque' })
    expect(await store.probe('bucket', '', SIGNAL)).toMatchObject({
      verifiesChecksums: true,
      reportsChecksums: false,
    })
    expect(server.objects.size + server.uploads.size).toBe(0)
    const { uploadId, parts } = await beginUpload(store)
    expect(await store.completeUpload(REF, uploadId, parts, FACTS, WRITE)).toMatchObject({
      proof: 'checksum',
    })
    expect(await store.put(REF, BODY, FACTS, WRITE)).toMatchObject({ proof: 'checksum' })
    expect(server.count('GetObject')).toBe(0)
  })
})

describe('a store without conditional writes', () => {
  for (const conditions of ['ignored', 'not implemented'] as const) {
    it(`is found out by its probe, when they are ${conditions}`, async () => {
      const { server, store } = await openLyingS3({ conditions })
      expect(await store.probe('bucket', 'some/', SIGNAL)).toMatchObject({ conditionalWrites: false })
      await store.put(REF, BODY, FACTS, { precondition: { kind: 'etag', etag: NOT_MD5 }, signal: SIGNAL })
      expect(
        server.requests.findLast((it) => it.operation === 'PutObject')?.headers['if-match'],
      ).toBeUndefined()
      expect([...server.objects.keys()]).toEqual([PATH])
      expect(server.uploads.size).toBe(0)
    })
  }

  it('that was not probed and says so is written to without', async () => {
    const { server, store } = await openLyingS3({ conditions: 'not implemented' })
    const options = { precondition: { kind: 'absent' }, signal: SIGNAL } as const
    await store.put(REF, BODY, FACTS, options)
    await store.put(REF, BODY, FACTS, options)
    expect(server.requests.filter((it) => it.headers['if-none-match'] !== undefined)).toHaveLength(1)
  })
})

describe('a probe', () => {
  it('of a store that does what S3 documents finds so, and leaves nothing behind', async () => {
    const { server, store } = await openLyingS3()
    expect(await store.probe('bucket', 'some/', SIGNAL)).toEqual({
      verifiesChecksums: true,
      reportsChecksums: true,
      conditionalWrites: true,
    })
    expect(server.objects.size + server.uploads.size).toBe(0)
  })

  it('of a store that does not answer ends with the reason of its signal', async () => {
    const store = openStoreAt(await openBlackHole(), { requestTimeoutMs: 30 })
    const controller = new AbortController()
    const probing = store.probe('bucket', '', controller.signal)
    const reason = new Error('the worker stops')
    controller.abort(reason)
    await expect(probing).rejects.toBe(reason)
    expect(await codeOf(store.probe('bucket', '', SIGNAL))).toBe('store_unavailable')
  })

  it('fails as a write would, and leaves nothing behind', async () => {
    const { server, store } = await openLyingS3()
    server.lie('CreateMultipartUpload', answer(fault(403, 'AccessDenied')))
    expect(await codeOf(store.probe('bucket', 'some/', SIGNAL))).toBe('store_access_denied')
    expect(server.objects.size + server.uploads.size).toBe(0)
  })
})
