import { randomUUID } from 'node:crypto'
import type { ObjectStore } from '@lading/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshBucket, sharedS3 } from '../../../test/support/provided.ts'
import { answer, type LyingS3 } from './fixtures/lying-s3.ts'
import {
  BODY,
  codeOf,
  FACTS,
  factsOf,
  openLyingS3,
  PATH,
  REF,
  SIGNAL,
  WRITE,
} from './fixtures/open-lying-s3.ts'
import { fault } from './fixtures/replies.ts'
import { openS3Store } from './store.ts'

const TO = { bucket: 'bucket', key: 'published/model.pkl' }
const TO_PATH = `/${TO.bucket}/${TO.key}`
const ABSENT = { precondition: { kind: 'absent' }, signal: SIGNAL } as const

describe('a copy', () => {
  it('is one request, of the object that was meant, written as a put would have written it', async () => {
    const { server, store } = await openLyingS3(
      {},
      { sse: { kmsKeyId: 'key-1' }, storageClass: 'STANDARD_IA' },
    )
    const from = { bucket: 'bucket', key: 'runs/größe +%2F?/a.pkl' }
    const { etag } = await store.put(from, BODY, FACTS, WRITE)
    expect(await store.copy(from, TO, FACTS, { ...WRITE, ifMatch: etag })).toMatchObject({
      proof: 'checksum',
    })
    expect(requestsOf(server, 'CopyObject')).toMatchObject([
      {
        'x-amz-copy-source': 'bucket/runs/gr%C3%B6%C3%9Fe%20%2B%252F%3F/a.pkl',
        'x-amz-copy-source-if-match': etag,
        'x-amz-metadata-directive': 'REPLACE',
        'x-amz-meta-sha256': FACTS.sha256,
        'content-type': FACTS.contentType,
        'x-amz-checksum-algorithm': 'CRC32',
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
        'x-amz-storage-class': 'STANDARD_IA',
      },
    ])
    expect(server.count('GetObject')).toBe(0)
  })

  it('of more than one request may copy is an upload of ranges of that one object', async () => {
    const { server, store } = await openLyingS3({}, { maxCopySize: 10 })
    const { etag } = await store.put(REF, BODY, FACTS, WRITE)
    await store.copy(REF, TO, FACTS, WRITE)
    expect(server.objects.get(TO_PATH)?.body.equals(BODY)).toBe(true)
    const parts = requestsOf(server, 'UploadPartCopy')
    expect(parts.map((headers) => headers['x-amz-copy-source-range']).sort()).toEqual([
      'bytes=0-9',
      'bytes=10-19',
      'bytes=20-27',
    ])
    expect(new Set(parts.map((headers) => headers['x-amz-copy-source-if-match']))).toEqual(new Set([etag]))
  })

  it('carries its precondition where the probe found that copies heed it', async () => {
    const { server, store } = await openLyingS3()
    await store.probe('bucket', '', SIGNAL)
    const before = server.requests.length
    await store.put(REF, BODY, FACTS, WRITE)
    await store.copy(REF, TO, FACTS, ABSENT)
    expect(requestsOf(server, 'CopyObject', before)).toMatchObject([{ 'if-none-match': '*' }])
    expect(server.requests.slice(before).some((it) => it.operation === 'UploadPartCopy')).toBe(false)
  })

  it('becomes the one part of an upload where only uploads heed preconditions', async () => {
    const { server, store } = await openLyingS3({ copyConditions: 'ignored' })
    await store.probe('bucket', '', SIGNAL)
    const before = server.requests.length
    await store.put(REF, BODY, FACTS, WRITE)
    await store.copy(REF, TO, FACTS, ABSENT)
    expect(requestsOf(server, 'CompleteMultipartUpload', before)).toMatchObject([{ 'if-none-match': '*' }])
    expect(requestsOf(server, 'UploadPartCopy', before)[0]).not.toHaveProperty('x-amz-copy-source-range')
    server.objects.set(TO_PATH, {
      body: Buffer.from('newer'),
      etag: '"newer"',
      crc32: undefined,
      headers: {},
    })
    expect(await codeOf(store.copy(REF, TO, FACTS, ABSENT))).toBe('store_precondition_failed')
    expect(server.objects.get(TO_PATH)?.etag).toBe('"newer"')
    expect(server.uploads.size).toBe(0)
  })

  for (const conditions of ['ignored', 'not implemented'] as const) {
    it(`looks at the key before where preconditions are ${conditions}, probed or not`, async () => {
      for (const probed of [true, false]) {
        const { server, store } = await openLyingS3({ conditions, copyConditions: 'ignored' })
        if (probed) await store.probe('bucket', '', SIGNAL)
        await store.put(REF, BODY, FACTS, WRITE)
        await store.copy(REF, TO, FACTS, ABSENT)
        expect(server.objects.get(TO_PATH)?.body.equals(BODY)).toBe(true)
        if (!probed && conditions === 'ignored') continue
        server.objects.set(TO_PATH, {
          body: Buffer.from('newer'),
          etag: '"newer"',
          crc32: undefined,
          headers: {},
        })
        expect(await codeOf(store.copy(REF, TO, FACTS, ABSENT))).toBe('store_precondition_failed')
        expect(server.objects.get(TO_PATH)?.etag).toBe('"newer"')
      }
    })
  }

  it('tells a source that has gone from a key that was to be replaced and holds nothing', async () => {
    const { server, store } = await openLyingS3()
    await store.probe('bucket', '', SIGNAL)
    await store.put(REF, BODY, FACTS, WRITE)
    server.lie('CopyObject', answer(fault(404, 'NoSuchKey')))
    const options = { precondition: { kind: 'etag', etag: '"x"' }, signal: SIGNAL } as const
    expect(await codeOf(store.copy(REF, TO, FACTS, options))).toBe('store_precondition_failed')
    server.lie('HeadObject', answer({ status: 404 }))
    expect(await codeOf(store.copy(REF, TO, FACTS, options))).toBe('store_object_missing')
  })

  it('is proven by the MD5 of the source where the store keeps no checksums, or read back', async () => {
    for (const [etags, proof] of [
      ['md5', 'etag'],
      ['opaque', 'read-back'],
    ] as const) {
      const { store } = await openLyingS3({ checksums: 'unknown', etags })
      await store.probe('bucket', '', SIGNAL)
      const { etag } = await store.put(REF, BODY, FACTS, WRITE)
      expect(await store.copy(REF, TO, FACTS, { ...WRITE, ifMatch: etag })).toMatchObject({ proof })
    }
  })
})

describe('a copy by a store that is in trouble, or lies', () => {
  const error = fault(200, 'InternalError', 'We encountered an internal error.')
  for (const [name, reply] of [
    ['a 200 with an error in its body', error],
    ['a 200 with an error in its body and a line break after it', { ...error, body: `${error.body}\n` }],
    ['a 200 with nothing', { status: 200 }],
    ['a 200 with the page of a proxy', { status: 200, body: '<html>Log in</html>' }],
    ['a 503', fault(503, 'SlowDown')],
  ] as const) {
    it(`is not taken for made by ${name}, and is made when that passes`, async () => {
      const { server, store } = await openLyingS3({}, { maxCopySize: 20 })
      const small = BODY.subarray(0, 20)
      await store.put(REF, small, factsOf(small), WRITE)
      server.lie('CopyObject', answer(reply), 3)
      expect(await codeOf(store.copy(REF, TO, factsOf(small), WRITE))).toBe('store_unavailable')
      await store.copy(REF, TO, factsOf(small), WRITE)
      await store.put(REF, BODY, FACTS, WRITE)
      server.lie('UploadPartCopy', answer(reply), 6)
      expect(await codeOf(store.copy(REF, TO, FACTS, WRITE))).toBe('store_unavailable')
      expect(server.uploads.size).toBe(0)
    })
  }

  it('is found when its answer was lost', async () => {
    const { server, store } = await openLyingS3()
    await store.probe('bucket', '', SIGNAL)
    await store.put(REF, BODY, FACTS, WRITE)
    server.lie(
      'CopyObject',
      async ({ honestly, request }) => {
        await honestly({ silently: true })
        request.socket.resetAndDestroy()
      },
      1,
    )
    await store.copy(REF, TO, FACTS, ABSENT)
    expect(server.objects.get(TO_PATH)?.body.equals(BODY)).toBe(true)
  })

  it('is caught when it is no copy, or a short one', async () => {
    const { server, store } = await openLyingS3()
    await store.put(REF, BODY, FACTS, WRITE)
    server.lie(
      'CopyObject',
      answer({ status: 200, body: '<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>' }),
      1,
    )
    expect(await codeOf(store.copy(REF, TO, FACTS, WRITE))).toBe('store_object_mismatch')
    server.lie('CopyObject', async ({ honestly }) => {
      await honestly()
      const stored = server.objects.get(TO_PATH)
      if (stored !== undefined) server.objects.set(TO_PATH, { ...stored, body: stored.body.subarray(1) })
    })
    expect(await codeOf(store.copy(REF, TO, FACTS, WRITE))).toBe('store_object_mismatch')
  })

  it('is not begun when the source is not the object that was meant', async () => {
    const { server, store } = await openLyingS3()
    await store.put(REF, BODY, FACTS, WRITE)
    const other = factsOf(Buffer.from('other bytes'))
    expect(await codeOf(store.copy(REF, TO, other, WRITE))).toBe('store_object_mismatch')
    const options = { ...WRITE, ifMatch: '"x"' }
    expect(await codeOf(store.copy(REF, TO, FACTS, options))).toBe('store_precondition_failed')
    expect(server.count('CopyObject')).toBe(0)
  })

  it('leaves no upload behind when a part fails, the source is replaced, or it is aborted', async () => {
    const { server, store } = await openLyingS3({}, { maxCopySize: 5 })
    await store.put(REF, BODY, FACTS, WRITE)
    server.lie('UploadPartCopy', answer(fault(403, 'AccessDenied')), 1)
    expect(await codeOf(store.copy(REF, TO, FACTS, WRITE))).toBe('store_access_denied')
    expect(server.uploads.size).toBe(0)
    const [reason, controller] = [new Error('the lease was lost'), new AbortController()]
    server.lie('UploadPartCopy', () => controller.abort(reason), 1)
    await expect(store.copy(REF, TO, FACTS, { ...WRITE, signal: controller.signal })).rejects.toBe(reason)
    expect(server.uploads.size).toBe(0)
    const replace = () => {
      const stored = server.objects.get(PATH)
      if (stored !== undefined) server.objects.set(PATH, { ...stored, etag: '"newer"' })
    }
    server.lie(
      'UploadPartCopy',
      async ({ honestly }) => {
        replace()
        await honestly()
      },
      1,
    )
    expect(await codeOf(store.copy(REF, TO, FACTS, WRITE))).toBe('store_precondition_failed')
    expect(server.uploads.size).toBe(0)
    expect(server.objects.has(TO_PATH)).toBe(false)
  })
})

describe('a copy in parts by a real server', { timeout: 60_000 }, () => {
  it('is proven, though the server takes the checksum of the source for that of each range', async () => {
    const store = openRealStore()
    const bucket = await freshBucket()
    await store.probe(bucket, '', SIGNAL)
    const body = Buffer.alloc(11 * 1024 * 1024)
    for (let at = 0; at < body.length; at += 4) body.writeUInt32LE(at, at)
    const [from, to] = [`from/${randomUUID()}`, `to/${randomUUID()}`].map((key) => ({ bucket, key }))
    if (from === undefined || to === undefined) throw new Error('two keys')
    const { etag } = await store.put(from, body, factsOf(body), WRITE)
    await store.copy(from, to, factsOf(body), { ...ABSENT, ifMatch: etag })
    expect(await store.prove(to, factsOf(body), SIGNAL)).toBeDefined()
    for await (const upload of store.listUploads(bucket, '', SIGNAL)) throw new Error(upload.key)
  })
})

function openRealStore(): ObjectStore {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedS3()
  const store = openS3Store({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    maxSockets: 8,
    maxCopySize: 5 * 1024 * 1024,
  })
  onTestFinished(() => store.close())
  return store
}

function requestsOf(server: LyingS3, operation: string, from = 0) {
  return server.requests
    .slice(from)
    .filter((request) => request.operation === operation)
    .map(({ headers }) => headers)
}
