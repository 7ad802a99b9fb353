import { createHash, randomBytes } from 'node:crypto'
import { newId, type TenantId } from '@lading/core'
import * as tus from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { CuttingProxy } from './fixtures/cutting-proxy.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

const KIB = 1024
const TENANT = { 'x-tenant-id': 'default' }
const PIECE = { 'content-type': 'application/offset+octet-stream', 'tus-resumable': '1.0.0' }

let server: ApiUnderTest

beforeAll(async () => {
  server = await ApiUnderTest.start({ limits: { fileBytes: 64 * KIB * KIB, unfinishedUploads: 20 } })
})

afterAll(() => server[Symbol.asyncDispose]())

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function metadata(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')
}

interface Begun {
  readonly url: string
  readonly run: string
}

async function begin(size: number, values: Record<string, string> = {}, headers = {}): Promise<Begun> {
  const { path: run } = await server.run()
  const response = await create(run, size, values, headers)
  expect(response.status).toBe(201)
  return { url: response.headers.get('location') ?? '', run }
}

function create(run: string, size: number, values: Record<string, string>, headers = {}): Promise<Response> {
  return server.fetch(`${run}/resumable`, {
    method: 'POST',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': String(size),
      'upload-metadata': metadata({ path: 'model.bin', ...values }),
      ...headers,
    },
  })
}

function patch(
  url: string,
  offset: number,
  body: Buffer<ArrayBuffer> | string,
  headers = {},
): Promise<Response> {
  return server.fetch(url, {
    method: 'PATCH',
    headers: { ...PIECE, 'upload-offset': String(offset), ...headers },
    body,
  })
}

/** What says, with a piece, which digest the whole file has. */
function declared(text: string): Record<string, string> {
  return { 'upload-metadata': metadata({ sha256: sha256(Buffer.from(text)) }) }
}

async function offsetOf(url: string): Promise<number> {
  const response = await server.fetch(url, { method: 'HEAD' })
  expect(response.status).toBe(200)
  return Number(response.headers.get('upload-offset'))
}

async function codeOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { code: string }).code]
}

/** Bytes of the artifact, once what is due was delivered. */
async function stored(run: string, path = 'model.bin'): Promise<Buffer> {
  await server.deliver()
  const response = await server.fetch(`${run}/artifacts/${path}`)
  expect(response.status).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

/** Uploads as tus-js-client does; the headers of its last answer. */
async function sendByTus(endpoint: string, bytes: Buffer, options: Partial<tus.UploadOptions> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<tus.HttpResponse>()
  new tus.Upload(bytes, {
    endpoint,
    headers: TENANT,
    retryDelays: Array(100).fill(20),
    metadata: { path: 'model.bin', sha256: sha256(bytes) },
    onSuccess: ({ lastResponse }) => resolve(lastResponse),
    onError: reject,
    ...options,
  }).start()
  return await promise
}

describe('tus-js-client', () => {
  test('uploads a file in pieces, and learns which job it became', async () => {
    const { path: run } = await server.run()
    const bytes = randomBytes(1_000_000)
    const last = await sendByTus(`${server.url}${run}/resumable`, bytes, { chunkSize: 300_000 })
    const jobId = last.getHeader('lading-job-id')
    expect(last.getHeader('lading-status-url')).toBe(`/api/v1/jobs/${jobId}`)
    expect(await stored(run)).toEqual(bytes)
    expect(await server.json(`/api/v1/jobs/${jobId}`)).toMatchObject({
      state: 'completed',
      files: { total: 1, stored: 1 },
      bytes: { total: 1_000_000 },
    })
  })

  test('sends the file with its creation, and empty files', async () => {
    const { path: run } = await server.run()
    const endpoint = `${server.url}${run}/resumable`
    const bytes = randomBytes(50_000)
    await sendByTus(endpoint, bytes, { uploadDataDuringCreation: true })
    await sendByTus(endpoint, Buffer.alloc(0), { metadata: { filename: 'empty', artifact_path: 'a/b' } })
    expect(await stored(run)).toEqual(bytes)
    expect(await stored(run, 'a/b/empty')).toEqual(Buffer.alloc(0))
  })

  test('resumes after connections that were cut at random bytes, with the same file in the end', async () => {
    const { path: run } = await server.run()
    const bytes = randomBytes(6 * KIB * KIB)
    let left = 25
    await using way = await CuttingProxy.start(server.port, () =>
      left-- > 0 ? Math.floor(Math.random() * 700_000) : undefined,
    )
    await sendByTus(`${way.url}${run}/resumable`, bytes)
    expect(way.cuts).toBeGreaterThan(10)
    expect(sha256(await stored(run))).toBe(sha256(bytes))
  })
})

describe('an upload in pieces', () => {
  test('is told how far it is, until when it is kept, and what it is', async () => {
    const { url } = await begin(10, { path: 'a/ü.bin' })
    expect((await patch(url, 0, 'abcd')).headers.get('upload-offset')).toBe('4')
    const { headers } = await server.fetch(url, { method: 'HEAD' })
    expect(headers.get('upload-offset')).toBe('4')
    expect(headers.get('upload-length')).toBe('10')
    expect(headers.get('upload-metadata')).toBe(metadata({ path: 'a/ü.bin' }))
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('tus-resumable')).toBe('1.0.0')
    expect(Date.parse(headers.get('upload-expires') ?? '')).toBeGreaterThan(Date.now() + 3_600_000)
  })

  test('keeps what came before the connection broke', async () => {
    const { url, run } = await begin(200_000)
    const bytes = randomBytes(200_000)
    const head = `PATCH ${url} HTTP/1.1\r\nHost: test\r\nContent-Type: ${PIECE['content-type']}\r\nUpload-Offset: 0\r\nContent-Length: 200000\r\n\r\n`
    // The server waits for the rest; whoever asks for the offset ends that, and is told of all that came: at times, nothing.
    const offset = await until(
      async () => {
        await using connection = await RawConnection.open(server.port)
        connection.send(head).send(bytes.subarray(0, 150_000))
        return (await offsetOf(url)) || undefined
      },
      { within: 20_000 },
    )
    expect(offset).toBeGreaterThan(0)
    expect(offset).toBeLessThanOrEqual(150_000)
    // One of the requests whose connection is gone may begin only now, and hold the upload for a moment.
    const done = await until(
      async () => {
        const at = await offsetOf(url)
        const { status } = await patch(url, at, bytes.subarray(at))
        return status === 423 || status === 409 ? undefined : status
      },
      { within: 20_000 },
    )
    expect(done).toBe(204)
    expect(await stored(run)).toEqual(bytes)
  })

  test('goes into an open job', async () => {
    const { path: run } = await server.run()
    const job = await server.json(`${run}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ artifact_path: 'step-1' }),
    })
    const response = await create(run, 3, { job_id: String(job.job_id) })
    const done = await patch(response.headers.get('location') ?? '', 0, 'abc')
    expect(done.headers.get('lading-job-id')).toBe(job.job_id)
    await server.fetch(`/api/v1/jobs/${job.job_id}/seal`, { method: 'POST' })
    expect(await stored(run, 'step-1/model.bin')).toEqual(Buffer.from('abc'))
  })

  test('is begun once for each idempotency key, and the last piece may be sent twice', async () => {
    const { path: run } = await server.run()
    const key = { 'idempotency-key': newId() }
    const first = await create(run, 3, {}, key)
    const again = await create(run, 3, {}, key)
    const url = first.headers.get('location') ?? ''
    expect(again.headers.get('location')).toBe(url)
    expect(await codeOf(await create(run, 4, {}, key))).toEqual([422, 'idempotency_key_reused'])
    const done = await patch(url, 0, 'abc')
    const twice = await patch(url, 3, '')
    expect(twice.status).toBe(204)
    expect(twice.headers.get('lading-job-id')).toBe(done.headers.get('lading-job-id'))
    expect(await offsetOf(url)).toBe(3)
  })

  test('whose digest is another is refused, and nothing of it is left', async () => {
    const before = await server.jobs()
    const { url } = await begin(3, { sha256: sha256(Buffer.from('abd')) })
    expect(await codeOf(await patch(url, 0, 'abc'))).toEqual([400, 'digest_mismatch'])
    expect((await server.fetch(url, { method: 'HEAD' })).status).toBe(404)
    expect(await server.jobs()).toBe(before)
    expect(await growing()).not.toContain(idOf(url))
    expect(await server.packs()).not.toContain(idOf(url))
  })

  test('may be hashed while it is sent: its digest comes with the last piece', async () => {
    const key = { 'idempotency-key': newId() }
    const { url, run } = await begin(6, {}, key)
    await patch(url, 0, 'abc')
    const last = await patch(url, 3, 'def', declared('abcdef'))
    expect(last.headers.get('lading-sha256')).toBe(sha256(Buffer.from('abcdef')))
    expect((await create(run, 6, {}, key)).headers.get('location')).toBe(url)
    expect(await stored(run)).toEqual(Buffer.from('abcdef'))
  })

  test('whose digest comes last and is another is refused, and nothing of it is left', async () => {
    const before = await server.jobs()
    const { url } = await begin(6)
    await patch(url, 0, 'abc')
    expect(await codeOf(await patch(url, 3, 'def', declared('abcdeg')))).toEqual([400, 'digest_mismatch'])
    expect((await server.fetch(url, { method: 'HEAD' })).status).toBe(404)
    expect(await server.jobs()).toBe(before)
    expect(await growing()).not.toContain(idOf(url))
  })

  test('is held to the digest of a last piece that was cut, whoever completes it', async () => {
    const { url } = await begin(6)
    await patch(url, 0, 'abc')
    expect((await patch(url, 3, '', declared('abcdeg'))).status).toBe(204)
    expect(await codeOf(await patch(url, 3, '', declared('abcdef')))).toEqual([400, 'digest_mismatch'])
    expect(await offsetOf(url)).toBe(3)
    expect(await codeOf(await patch(url, 3, 'def'))).toEqual([400, 'digest_mismatch'])
  })

  test('stays where it was when the checksum of a piece is wrong', async () => {
    const { url, run } = await begin(6)
    const checksum = (text: string) => ({
      'upload-checksum': `sha1 ${createHash('sha1').update(text).digest('base64')}`,
    })
    expect((await patch(url, 0, 'abc', checksum('abc'))).status).toBe(204)
    expect(await codeOf(await patch(url, 3, 'dex', checksum('def')))).toEqual([460, 'checksum_mismatch'])
    expect(await offsetOf(url)).toBe(3)
    expect((await patch(url, 3, 'def', checksum('def'))).status).toBe(204)
    expect(await stored(run)).toEqual(Buffer.from('abcdef'))
  })

  test('can be given up, and then is gone', async () => {
    const { url } = await begin(10)
    await patch(url, 0, 'abcd')
    expect((await server.fetch(url, { method: 'DELETE' })).status).toBe(204)
    expect((await server.fetch(url, { method: 'HEAD' })).status).toBe(404)
    expect(await codeOf(await patch(url, 4, 'e'))).toEqual([404, 'upload_not_found'])
    expect(await growing()).not.toContain(idOf(url))
  })

  test('is to another tenant as if it were not there', async () => {
    const { url } = await begin(10)
    const other = { 'x-tenant-id': 'other' }
    expect((await server.fetch(url, { method: 'HEAD', headers: other })).status).toBe(404)
    expect(await codeOf(await patch(url, 0, 'abc', other))).toEqual([404, 'upload_not_found'])
    expect((await server.fetch(url, { method: 'DELETE', headers: other })).status).toBe(404)
    expect(await offsetOf(url)).toBe(0)
  })

  test('that has lost its bytes must be begun anew', async () => {
    const { url } = await begin(10)
    await patch(url, 0, 'abcd')
    await server.spool.removeGrowing(idOf(url))
    expect(await codeOf(await patch(url, 4, 'efgh'))).toEqual([404, 'upload_not_found'])
  })

  test('that another process adds to is locked', async () => {
    const { url } = await begin(10)
    await server.catalog.api.resumable.take('default' as TenantId, idOf(url), newId(), 60_000)
    const response = await patch(url, 0, 'abcd')
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await codeOf(response)).toEqual([423, 'upload_locked'])
  })

  test('expires when nothing more comes, and its bytes with it', async () => {
    await using small = await ApiUnderTest.start({ limits: { keepUploadMs: 1 } })
    const { path: run } = await small.run()
    const headers = { 'upload-length': '10', 'upload-metadata': metadata({ path: 'a' }), ...PIECE }
    const response = await small.fetch(`${run}/resumable`, { method: 'POST', headers, body: 'abcd' })
    const url = response.headers.get('location') ?? ''
    const { packs } = small.catalog.delivery
    await until(() => packs.forgetResumable(small.spool.id), { within: 20_000 })
    expect((await small.fetch(url, { method: 'HEAD' })).status).toBe(404)
    const status = await packs.status([idOf(url)])
    expect([...status.values()]).toEqual(['unknown'])
  })
})

type Refused = readonly [what: string, send: () => Promise<Response>, status: number, code: string]

const refused: readonly Refused[] = [
  [
    'another version of the protocol',
    async () => patch((await begin(3)).url, 0, 'a', { 'tus-resumable': '0.2.2' }),
    412,
    'precondition_failed',
  ],
  [
    'a piece at another offset',
    async () => patch((await begin(3)).url, 1, 'a'),
    409,
    'upload_offset_mismatch',
  ],
  ['a piece beyond the length', async () => patch((await begin(3)).url, 0, 'abcd'), 413, 'request_too_large'],
  [
    'a piece of another type',
    async () => patch((await begin(3)).url, 0, 'a', { 'content-type': 'text/plain' }),
    415,
    'unsupported_media_type',
  ],
  [
    'a piece without an offset',
    async () => patch((await begin(3)).url, 0, 'a', { 'upload-offset': 'x' }),
    400,
    'bad_request',
  ],
  [
    'an unknown checksum',
    async () => patch((await begin(3)).url, 0, 'a', { 'upload-checksum': 'crc32 AAAA' }),
    400,
    'digest_unsupported',
  ],
  [
    'a checksum that is none',
    async () => patch((await begin(3)).url, 0, 'a', { 'upload-checksum': 'sha1 AAAA' }),
    400,
    'digest_invalid',
  ],
  [
    'a piece with a digest that is none',
    async () => patch((await begin(3)).url, 0, 'a', { 'upload-metadata': metadata({ sha256: 'abc' }) }),
    400,
    'digest_invalid',
  ],
  [
    'a file over the limit',
    async () => create((await server.run()).path, 65 * KIB * KIB, {}),
    413,
    'file_too_large',
  ],
  [
    'no length',
    async () => create((await server.run()).path, 0, {}, { 'upload-length': '' }),
    400,
    'bad_request',
  ],
  [
    'a climbing path',
    async () => create((await server.run()).path, 3, { path: '../a' }),
    400,
    'path_invalid',
  ],
  [
    'metadata that is no base64',
    async () => create((await server.run()).path, 3, {}, { 'upload-metadata': 'path *' }),
    400,
    'bad_request',
  ],
  [
    'metadata without a path',
    async () => create((await server.run()).path, 3, {}, { 'upload-metadata': '' }),
    400,
    'bad_request',
  ],
  [
    'a digest that is none',
    async () => create((await server.run()).path, 3, { sha256: 'abc' }),
    400,
    'digest_invalid',
  ],
  [
    'a run that is not there',
    async () => create(`/api/v1/experiments/runs/${newId()}`, 3, {}),
    404,
    'run_not_found',
  ],
  [
    'a job that is not there',
    async () => create((await server.run()).path, 3, { job_id: newId() }),
    404,
    'job_not_found',
  ],
  ['an id that is none', () => patch('/api/v1/resumable/none', 0, 'a'), 404, 'upload_not_found'],
]

test.each(refused)('%s is refused', async (_what, send, status, code) => {
  expect(await codeOf(await send())).toEqual([status, code])
})

test('a tenant may have so many unfinished uploads, and others are not in its way', async () => {
  const headers = { 'x-tenant-id': 'greedy' }
  const { path: run } = await server.run('greedy')
  const answers = await Promise.all(Array.from({ length: 22 }, () => create(run, 3, {}, headers)))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
  const over = answers.filter(({ status }) => status === 429)
  expect(over.map(({ headers }) => headers.get('retry-after'))).toEqual(['60', '60'])
})

test('an upload of another host is refused with a word for whoever set the load balancer up', async () => {
  const { runId, path } = await server.run()
  const run = await server.catalog.api.runs.get('default' as never, runId)
  if (run === undefined) throw new Error(`${path} is gone`)
  const { upload } = await server.catalog.api.resumable.create(
    {
      run,
      path: 'a' as never,
      size: 3,
      sha256: undefined,
      jobId: undefined,
      metadata: '',
      spoolId: newId(),
      idempotencyKey: undefined,
    },
    { most: 100, keepMs: 60_000 },
  )
  const response = await patch(`/api/v1/resumable/${upload.uploadId}`, 0, 'abc')
  expect(await codeOf(response)).toEqual([421, 'upload_elsewhere'])
})

test('OPTIONS tells what of the protocol is spoken', async () => {
  const { path } = await server.run()
  const { status, headers } = await server.fetch(`${path}/resumable`, { method: 'OPTIONS' })
  expect(status).toBe(204)
  expect(headers.get('tus-version')).toBe('1.0.0')
  expect(headers.get('tus-extension')).toBe('creation,creation-with-upload,termination,expiration,checksum')
  expect(headers.get('tus-max-size')).toBe(String(64 * KIB * KIB))
})

function idOf(url: string): string {
  return url.split('/').at(-1) ?? ''
}

async function growing(): Promise<string[]> {
  const ids: string[] = []
  for await (const { packId } of server.spool.listGrowing()) ids.push(packId)
  return ids
}
