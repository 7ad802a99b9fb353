import { buffer } from 'node:stream/consumers'
import { crc32Of } from '@lading/core'
import { describe, expect, it } from 'vitest'
import { answer, type Lie } from './fixtures/lying-s3.ts'
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
import { fault, send } from './fixtures/replies.ts'

describe('a store that is in trouble', () => {
  it('may answer 503 SlowDown once or twice without anyone noticing', async () => {
    const { server, store } = await openLyingS3()
    server.lie('PutObject', answer(fault(503, 'SlowDown')), 2)
    expect(await store.put(REF, BODY, FACTS, WRITE)).toMatchObject({ proof: 'checksum' })
  })

  it('is reported as unavailable when it keeps answering 503, after a few tries', async () => {
    const { server, store } = await openLyingS3()
    server.lie('PutObject', answer(fault(503, 'SlowDown', 'Please reduce your request rate.')))
    const error = await errorOf(store.put(REF, BODY, FACTS, WRITE))
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(error.detail).toMatch(
      /PutObject on s3:\/\/bucket\/runs\/1\/model.pkl failed \(HTTP 503, SlowDown, request id R1\)/,
    )
    expect(server.count('PutObject')).toBe(3)
  })

  for (const [name, reply] of [
    ['a 500', fault(500, 'InternalError')],
    [
      'a 502 with the page of a proxy',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway' },
    ],
    ['a 504 with nothing', { status: 504 }],
    ['a 200 with an error in its body', fault(200, 'InternalError', 'We encountered an internal error.')],
    ['a 200 with nothing', { status: 200 }],
    [
      'a 200 with the page of a proxy',
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in' },
    ],
  ] as const) {
    it(`does not complete an upload by ${name}`, async () => {
      const { server, store } = await openLyingS3()
      const { uploadId, parts } = await beginUpload(store)
      server.lie('CompleteMultipartUpload', answer(reply))
      const code = await codeOf(store.completeUpload(REF, uploadId, parts, FACTS, WRITE))
      expect(['store_unavailable', 'store_object_mismatch']).toContain(code)
      expect(server.uploads.size).toBe(1)
    })
  }

  it('completes the upload when the 500 passes', async () => {
    const { server, store } = await openLyingS3()
    const { uploadId, parts } = await beginUpload(store)
    server.lie('CompleteMultipartUpload', answer(fault(500, 'InternalError')), 1)
    server.lie('CompleteMultipartUpload', answer(fault(200, 'InternalError')), 1)
    await store.completeUpload(REF, uploadId, parts, FACTS, WRITE)
    expect(server.objects.get(PATH)?.body.equals(BODY)).toBe(true)
  })

  it('may have completed the upload although its answer was lost', async () => {
    const { server, store } = await openLyingS3()
    const { uploadId, parts } = await beginUpload(store)
    server.lie(
      'CompleteMultipartUpload',
      async ({ honestly, request }) => {
        await honestly({ silently: true })
        request.socket.destroy()
      },
      1,
    )
    await store.completeUpload(REF, uploadId, parts, FACTS, WRITE)
    expect(server.count('CompleteMultipartUpload')).toBe(2)
  })

  it('may have put the object although its answer was lost, and the precondition no longer holds', async () => {
    const { server, store } = await openLyingS3()
    server.lie(
      'PutObject',
      async ({ honestly, request }) => {
        await honestly({ silently: true })
        request.socket.resetAndDestroy()
      },
      1,
    )
    await store.put(REF, BODY, FACTS, { precondition: { kind: 'absent' }, signal: SIGNAL })
    expect(server.count('PutObject')).toBe(2)
  })

  it('may reset the connection in the middle of a part, and is given it again', async () => {
    const { server, store } = await openLyingS3()
    const body = Buffer.alloc(6_000_000, 'x')
    const uploadId = await store.createUpload(REF, FACTS, SIGNAL)
    server.lie(
      'UploadPart',
      ({ request }) => void request.once('data', () => request.socket.resetAndDestroy()),
      1,
    )
    await store.uploadPart(REF, uploadId, { partNumber: 1, body, crc32: crc32Of(body) }, SIGNAL)
    expect(server.uploads.get(uploadId)?.parts.get(1)?.body.equals(body)).toBe(true)
  })

  it('may refuse a body and cut the connection before it is sent, so that the refusal is lost', async () => {
    const { server, store } = await openLyingS3()
    const { uploadId } = await beginUpload(store)
    await store.abortUpload(REF, uploadId, SIGNAL)
    const reset: Lie = ({ request }) => void request.socket.resetAndDestroy()
    server.lie('UploadPart', reset)
    server.lie('PutObject', reset)
    const part = { partNumber: 1, body: BODY, crc32: FACTS.crc32 }
    expect(await codeOf(store.uploadPart(REF, uploadId, part, SIGNAL))).toBe('store_upload_gone')
    expect(await codeOf(store.put(REF, BODY, FACTS, WRITE))).toBe('store_unavailable')
    server.lie('HeadObject', answer({ status: 403 }))
    expect(await codeOf(store.put(REF, BODY, FACTS, WRITE))).toBe('store_access_denied')
  })

  it('is not asked twice to begin an upload when it may have begun one', async () => {
    const { server, store } = await openLyingS3()
    server.lie('CreateMultipartUpload', answer(fault(500, 'InternalError')), 1)
    expect(await codeOf(store.createUpload(REF, FACTS, SIGNAL))).toBe('store_unavailable')
    expect(server.count('CreateMultipartUpload')).toBe(1)
    server.lie('CreateMultipartUpload', answer(fault(503, 'SlowDown')), 1)
    await store.createUpload(REF, FACTS, SIGNAL)
    expect(server.uploads.size).toBe(1)
  })

  it('is reported as unavailable when nobody listens, or the name is not known', async () => {
    const { server, store } = await openLyingS3()
    await server.close()
    expect(await codeOf(store.check('bucket', SIGNAL))).toBe('store_unavailable')
    const nowhere = openStoreAt('http://store.invalid')
    expect((await errorOf(nowhere.check('bucket', SIGNAL))).detail).toMatch(/ENOTFOUND|EAI_AGAIN/)
  })

  it('is reported as unavailable when it does not speak TLS', async () => {
    const { endpoint } = await openLyingS3()
    const store = openStoreAt(endpoint.replace('http:', 'https:'))
    expect(await codeOf(store.check('bucket', SIGNAL))).toBe('store_unavailable')
  })
})

describe('a store that never answers', () => {
  it('ends each request after its time-out', async () => {
    const store = openStoreAt(await openBlackHole(), { requestTimeoutMs: 50 })
    const calls = [
      store.put(REF, BODY, FACTS, WRITE),
      store.head(REF, SIGNAL),
      store.get(REF, { signal: SIGNAL }),
      store.completeUpload(REF, 'id', [], FACTS, WRITE),
      store.createUpload(REF, FACTS, SIGNAL),
    ]
    expect(new Set(await Promise.all(calls.map(codeOf)))).toEqual(new Set(['store_unavailable']))
  })

  it('ends a request when its signal is aborted, with the reason of that', async () => {
    const store = openStoreAt(await openBlackHole())
    const reason = new Error('the lease was lost')
    for (const begin of [
      (signal: AbortSignal) => store.put(REF, BODY, FACTS, { ...WRITE, signal }),
      (signal: AbortSignal) => store.get(REF, { signal }),
      (signal: AbortSignal) => store.completeUpload(REF, 'id', [], FACTS, { ...WRITE, signal }),
    ]) {
      const controller = new AbortController()
      const call = begin(controller.signal)
      setImmediate(() => controller.abort(reason))
      await expect(call).rejects.toBe(reason)
    }
  })

  it('does not end a TLS handshake either, and is given up', async () => {
    const endpoint = (await openBlackHole()).replace('http:', 'https:')
    const store = openStoreAt(endpoint, { connectTimeoutMs: 50 })
    expect((await errorOf(store.check('bucket', SIGNAL))).detail).toMatch(
      /ETIMEDOUT.*no connection within 50 ms/,
    )
  })

  it('does not count the wait for a free connection as its silence', async () => {
    const { server, store } = await openLyingS3({}, { maxSockets: 1, connectTimeoutMs: 30 })
    server.lie('HeadObject', async ({ honestly }) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      await honestly()
    })
    await Promise.all(Array.from({ length: 6 }, () => store.head(REF, SIGNAL)))
  })
})

describe('a download', () => {
  it('fails when the store ends it early, in whatever way', async () => {
    const { server, store } = await openLyingS3()
    await store.put(REF, BODY, FACTS, WRITE)
    server.lie(
      'GetObject',
      ({ response }) => {
        response.writeHead(200, { etag: '"x"', 'content-length': 100 }).write('some')
        setImmediate(() => response.socket?.destroy())
      },
      1,
    )
    const cut = await store.get(REF, { signal: SIGNAL })
    expect(await codeOf(buffer(cut.body))).toBe('store_unavailable')
  })

  it('fails when no more bytes arrive while its reader waits', async () => {
    const { server, store } = await openLyingS3({}, { requestTimeoutMs: 50 })
    server.lie('GetObject', ({ response }) => {
      response.writeHead(200, { etag: '"x"', 'content-length': 100 }).write('some')
    })
    const { body } = await store.get(REF, { signal: SIGNAL })
    expect(await codeOf(buffer(body))).toBe('store_unavailable')
  })

  it('may be read as slowly as its reader likes', async () => {
    const { server, store } = await openLyingS3({}, { requestTimeoutMs: 100 })
    const large = Buffer.alloc(8_000_000, 'x')
    server.objects.set(PATH, { body: large, etag: '"x"', crc32: undefined, headers: {} })
    const { body } = await store.get(REF, { signal: SIGNAL })
    let received = 0
    for await (const chunk of body) {
      if (received === 0) await new Promise((resolve) => setTimeout(resolve, 400))
      received += chunk.length
    }
    expect(received).toBe(large.length)
  })

  it('is refused when the store sends another range or another object than was asked for', async () => {
    const { server, store } = await openLyingS3()
    server.lie('GetObject', async ({ request, response }) => {
      await buffer(request)
      send(response, { status: 200, headers: { etag: '"x"' }, body: 'everything' })
    })
    expect(await codeOf(store.get(REF, { range: { start: 3, end: 4 }, signal: SIGNAL }))).toBe(
      'store_rejected',
    )
    expect(await codeOf(store.get(REF, { ifMatch: '"y"', signal: SIGNAL }))).toBe('store_precondition_failed')
  })
})
