import { createHash } from 'node:crypto'
import { newId } from '@lading/core'
import type { ErrorCode } from '@lading/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { BOUNDARY, FORM_TYPE, fieldPart, filePart, form, part, request } from './fixtures/form.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

let server: ApiUnderTest
let run: string

beforeAll(async () => {
  server = await ApiUnderTest.start({
    limits: {
      requestBytes: 200_000,
      fileBytes: 100_000,
      files: 5,
      fieldBytes: 1000,
      manifestBytes: 5000,
      headerBytes: 8000,
      drainBytes: 64 * 1024,
      drainMs: 300,
    },
  })
  run = (await server.run()).path
})

afterAll(() => server[Symbol.asyncDispose]())

type Refusal = readonly [what: string, bytes: string, status: number, code: ErrorCode, detail: RegExp]

const RUN = '{run}'
const TYPE = `Content-Type: ${FORM_TYPE}`

function post(body: string, headers: readonly string[] = [TYPE]): string {
  return request(`POST ${RUN}/log-artifact`, headers, body)
}

function named(filename: string): string {
  return post(form(filePart(Buffer.from(filename, 'utf8').toString('latin1'))))
}

function put(path: string, body = 'bytes', headers: readonly string[] = []): string {
  return request(`PUT ${RUN}/artifacts/${path}`, headers, body)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function digest(text: string): string {
  return `sha-256=:${createHash('sha256').update(text).digest('base64')}:`
}

function manifest(...entries: readonly (readonly [path: string, text: string])[]): string {
  return fieldPart(
    'manifest',
    JSON.stringify(entries.map(([path, text]) => ({ path, size: text.length, sha256: sha256(text) }))),
  )
}

const chunked = 'Transfer-Encoding: chunked'
const good = form(filePart('good.txt'))

const MEDIA_TYPES: readonly Refusal[] = [
  ['a form without a Content-Type', post(good, []), 415, 'unsupported_media_type', /Content-Type/],
  [
    'JSON on a form route',
    post('{}', ['Content-Type: application/json']),
    415,
    'unsupported_media_type',
    /json/,
  ],
  [
    'an urlencoded body on a form route',
    post('a=b', ['Content-Type: application/x-www-form-urlencoded']),
    415,
    'unsupported_media_type',
    /urlencoded/,
  ],
  [
    'multipart/mixed',
    post(good, [`Content-Type: multipart/mixed; boundary=${BOUNDARY}`]),
    415,
    'unsupported_media_type',
    /mixed/,
  ],
  [
    'a gzipped form',
    post(good, [TYPE, 'Content-Encoding: gzip']),
    415,
    'unsupported_content_encoding',
    /Content-Encoding/,
  ],
  [
    'a gzipped raw body',
    put('x', 'x', ['Content-Encoding: gzip']),
    415,
    'unsupported_content_encoding',
    /Content-Encoding/,
  ],
  ['a form sent by PUT', put('x', good, [TYPE]), 415, 'unsupported_media_type', /POST/],
  [
    'a form where JSON belongs',
    request('POST /api/v1/experiments', [TYPE], good),
    415,
    'unsupported_media_type',
    /application\/json/,
  ],
]

const FRAMING: readonly Refusal[] = [
  [
    'no boundary',
    post(good, ['Content-Type: multipart/form-data']),
    400,
    'multipart_boundary_invalid',
    /boundary/,
  ],
  [
    'an empty boundary',
    post(good, ['Content-Type: multipart/form-data; boundary=""']),
    400,
    'multipart_boundary_invalid',
    /empty/,
  ],
  [
    'a boundary of 71 characters',
    post(good, [`Content-Type: multipart/form-data; boundary=${'b'.repeat(71)}`]),
    400,
    'multipart_boundary_invalid',
    /70/,
  ],
  [
    'an illegal boundary',
    post(good, ['Content-Type: multipart/form-data; boundary="a{b"']),
    400,
    'multipart_boundary_invalid',
    /boundary/,
  ],
  [
    'two boundaries',
    post(good, [`${TYPE}; boundary=other`]),
    400,
    'multipart_boundary_invalid',
    /more than one/,
  ],
  ['two Content-Types', post(good, [TYPE, TYPE]), 400, 'bad_request', /content-type.*twice/],
  [
    'two tenants',
    post(good, [TYPE, 'X-Tenant-ID: a', 'X-Tenant-ID: b']),
    400,
    'bad_request',
    /x-tenant-id.*twice/,
  ],
  [
    'two idempotency keys',
    post(good, [TYPE, 'Idempotency-Key: a', 'Idempotency-Key: b']),
    400,
    'bad_request',
    /idempotency-key.*twice/,
  ],
  ['Content-Length with Transfer-Encoding', post(good, [TYPE, chunked]), 400, 'bad_request', /HTTP/],
  ['two Content-Lengths', post(good, [TYPE, 'Content-Length: 3']), 400, 'bad_request', /HTTP/],
  [
    'a Content-Length that is no number',
    `POST ${RUN}/log-artifact HTTP/1.1\r\nHost: t\r\nContent-Length: 1x\r\n\r\n`,
    400,
    'bad_request',
    /HTTP/,
  ],
  [
    'a bad chunk',
    `${request(`PUT ${RUN}/artifacts/x`, [chunked])}zz\r\nhello\r\n`,
    400,
    'bad_request',
    /chunk/i,
  ],
  [
    'a bad chunk after a good one',
    `${request(`PUT ${RUN}/artifacts/x`, [chunked])}5\r\nhello\r\n-5\r\nhello\r\n`,
    400,
    'bad_request',
    /chunk/i,
  ],
  ['an empty form', post('', [TYPE]), 400, 'empty_body', /empty/],
  ['a form without any framing', request(`POST ${RUN}/log-artifact`, [TYPE]), 400, 'empty_body', /empty/],
  [
    'an empty form in chunks',
    `${request(`POST ${RUN}/log-artifact`, [TYPE, chunked])}0\r\n\r\n`,
    400,
    'empty_body',
    /empty/,
  ],
  ['no Host', `GET /healthz HTTP/1.1\r\n\r\n`, 400, 'bad_request', /host/],
  ['another expectation', request('GET /healthz', ['Expect: miracles']), 400, 'bad_request', /expect/],
  ['a request line of garbage', 'garbage\r\n\r\n', 400, 'bad_request', /HTTP/],
  [
    'headers larger than the limit',
    request('GET /healthz', [`X-Big: ${'x'.repeat(9000)}`]),
    431,
    'headers_too_large',
    /limit/,
  ],
]

const STRUCTURE: readonly Refusal[] = [
  ['no terminator', post(filePart('a')), 400, 'multipart_incomplete', /without/],
  [
    'another boundary than that of the header',
    post(good.replaceAll(BOUNDARY, 'other')),
    400,
    'multipart_malformed',
    /boundary/,
  ],
  [
    'a part without a disposition',
    post(form(part('X-A: b'))),
    400,
    'multipart_part_invalid',
    /Content-Disposition/,
  ],
  [
    'a part with another disposition',
    post(form(part('Content-Disposition: attachment; name="file"'))),
    400,
    'multipart_part_invalid',
    /disposition/i,
  ],
  [
    'a part without a name',
    post(form(part('Content-Disposition: form-data; filename="a"'))),
    400,
    'multipart_part_invalid',
    /name/,
  ],
  [
    'a name given twice',
    post(form(part('Content-Disposition: form-data; name="file"; name="file"; filename="a"'))),
    400,
    'multipart_part_invalid',
    /name/,
  ],
  [
    'a filename given twice',
    post(form(part('Content-Disposition: form-data; name="file"; filename="a"; filename="b"'))),
    400,
    'multipart_part_invalid',
    /filename/,
  ],
  [
    'a file without a filename',
    post(form(fieldPart('file', 'x'))),
    400,
    'multipart_part_invalid',
    /filename/,
  ],
  [
    'a field with a filename',
    post(
      form(part('Content-Disposition: form-data; name="artifact_path"; filename="a"', 'x'), filePart('a')),
    ),
    400,
    'multipart_part_invalid',
    /artifact_path/,
  ],
  [
    'a malformed part header',
    post(form(part('Content-Disposition form-data'))),
    400,
    'multipart_malformed',
    /header|line|part 1/i,
  ],
  [
    'a part header beyond 16 KiB',
    post(
      form(part(`Content-Disposition: form-data; name="file"; filename="a"\r\nX-A: ${'x'.repeat(17_000)}`)),
    ),
    400,
    'multipart_header_too_large',
    /16384/,
  ],
  ['an overlong field name', post(form(fieldPart('n'.repeat(101), 'x'))), 400, 'field_name_too_long', /100/],
  [
    'a base64 part',
    post(
      form(
        part(
          'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Transfer-Encoding: base64',
        ),
      ),
    ),
    400,
    'multipart_part_invalid',
    /Content-Transfer-Encoding/,
  ],
  ['a preamble beyond 1 KiB', post('p'.repeat(1100) + good), 400, 'multipart_malformed', /1024/],
  ['bytes after the terminator', post(`${good}more`), 400, 'multipart_malformed', /follow/],
  ['LF-only lines', post(good.replaceAll('\r\n', '\n')), 400, 'multipart_malformed', /CRLF/],
  [
    'a nested multipart',
    post(
      form(
        part(
          'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: multipart/mixed; boundary=b',
        ),
      ),
    ),
    400,
    'multipart_part_invalid',
    /multipart/,
  ],
  [
    'a field called __proto__',
    post(form(fieldPart('__proto__', 'x'), filePart('a'))),
    400,
    'multipart_part_invalid',
    /__proto__/,
  ],
]

const NAMES: readonly Refusal[] = [
  ...(
    [
      ['a climbing filename', '../x', /filename/],
      ['a climbing Windows filename', '..\\x', /filename/],
      ['an absolute filename', '/etc/passwd', /absolute/],
      ['a drive letter', 'C:\\x', /drive/],
      ['a UNC path', '\\\\server\\share', /filename/],
      ['encoded traversal', '%2e%2e/x', /percent/],
      ['a bidi override', 'a\u202eb', /U\+202E/],
      ['a zero-width space', 'a\u200bb', /U\+200B/],
      ['a dot segment', 'a/./b', /dot/],
      ['an empty segment', 'a//b', /empty/],
      ['a segment of 256 bytes', 'x'.repeat(256), /255/],
      [
        'a path of 1,025 bytes',
        `${'d/'.repeat(12)}${'x'.repeat(200)}/${`${'y'.repeat(200)}/`.repeat(4)}z`,
        /1024/,
      ],
      ['a depth of 65', `${'d/'.repeat(64)}x`, /64/],
      ['an empty filename', '', /filename/],
    ] as const
  ).map(([what, name, detail]): Refusal => [what, named(name), 400, 'path_invalid', detail]),
  [
    'NUL in an extended filename',
    post(form(part('Content-Disposition: form-data; name="file"; filename*=UTF-8\'\'a%00b'))),
    400,
    'multipart_part_invalid',
    /filename/,
  ],
  [
    'CR LF in an extended filename',
    post(form(part('Content-Disposition: form-data; name="file"; filename*=UTF-8\'\'a%0d%0ab'))),
    400,
    'multipart_part_invalid',
    /filename/,
  ],
  [
    'a filename that differs from filename*',
    post(form(part('Content-Disposition: form-data; name="file"; filename="a"; filename*=UTF-8\'\'b'))),
    400,
    'multipart_part_invalid',
    /filename/,
  ],
  ['a filename of bad UTF-8', post(form(filePart('a\xff'))), 400, 'multipart_part_invalid', /UTF-8/],
  [
    'an artifact_path that climbs',
    post(form(filePart('a'), fieldPart('artifact_path', '../up'))),
    400,
    'path_invalid',
    /artifact_path|path/,
  ],
  [
    'an artifact_path of bad UTF-8',
    post(form(filePart('a'), fieldPart('artifact_path', '\xff'))),
    400,
    'path_invalid',
    /UTF-8/,
  ],
  ['a URL that climbs', put('%2e%2e/%2e%2e/x'), 400, 'path_invalid', /dot/],
  ['a URL that climbs as it stands', put('../../x'), 400, 'path_invalid', /dot/],
  ['a URL that is encoded twice', put('%252e%252e/x'), 400, 'path_invalid', /percent/],
  ['a URL with NUL', put('a%00b'), 400, 'path_invalid', /U\+0000/],
  ['a URL with CR LF', put('a%0d%0ab'), 400, 'path_invalid', /U\+000D/],
  ['a URL with a malformed escape', put('a%zz'), 400, 'path_invalid', /escape/],
  ['a URL with bad UTF-8', put('a%ff'), 400, 'path_invalid', /UTF-8/],
  ['a URL with a fragment', put('a#b'), 400, 'path_invalid', /#/],
  ['a URL with an encoded backslash', put('a%5cb'), 400, 'path_invalid', /backslash/],
  ['a URL with an empty segment', put('a//b'), 400, 'path_invalid', /empty/],
  ['a URL that ends in a slash', put('a/'), 400, 'path_invalid', /empty/],
]

const DIGESTS: readonly Refusal[] = [
  [
    'a Content-Digest of other bytes',
    put('x', 'x', [`Content-Digest: ${digest('y')}`]),
    400,
    'digest_mismatch',
    /Digest/,
  ],
  [
    'a Repr-Digest of other bytes',
    put('x', 'x', [`Repr-Digest: ${digest('y')}`]),
    400,
    'digest_mismatch',
    /Digest/,
  ],
  [
    'a Content-Digest of another form',
    post(good, [TYPE, `Content-Digest: ${digest('y')}`]),
    400,
    'digest_mismatch',
    /Digest/,
  ],
  [
    'a digest of the wrong length',
    put('x', 'x', ['Content-Digest: sha-256=:YWJj:']),
    400,
    'digest_invalid',
    /32/,
  ],
  [
    'only unsupported algorithms',
    put('x', 'x', ['Content-Digest: md5=:YWJj:']),
    400,
    'digest_unsupported',
    /sha-256/,
  ],
  [
    'a digest that cannot be parsed',
    put('x', 'x', ['Content-Digest: sha-256=abc!']),
    400,
    'digest_invalid',
    /Content-Digest/,
  ],
  [
    'a sha256 field of other bytes',
    post(form(filePart('a', 'x'), fieldPart('sha256', sha256('y')))),
    400,
    'digest_mismatch',
    /sha256/,
  ],
  [
    'a sha256 field that is too short',
    post(form(fieldPart('sha256', 'abc'), filePart('a'))),
    400,
    'digest_invalid',
    /64/,
  ],
  [
    'a sha256 field with two files',
    post(form(fieldPart('sha256', sha256('x')), filePart('a', 'x'), filePart('b', 'x'))),
    400,
    'validation_failed',
    /sha256/,
  ],
  [
    'a manifest of other bytes',
    post(form(manifest(['a', 'y']), filePart('a', 'x'))),
    400,
    'digest_mismatch',
    /"a"/,
  ],
  [
    'a manifest of another size',
    post(form(manifest(['a', 'yy']), filePart('a', 'x'))),
    400,
    'length_mismatch',
    /"a"/,
  ],
  [
    'a manifest that is no JSON',
    post(form(fieldPart('manifest', '{'), filePart('a'))),
    400,
    'validation_failed',
    /manifest/,
  ],
  [
    'a manifest of another shape',
    post(form(fieldPart('manifest', '[{"path":"a"}]'), filePart('a'))),
    400,
    'validation_failed',
    /size/,
  ],
]

const SIZES: readonly Refusal[] = [
  [
    'a Content-Length over the limit',
    request(`PUT ${RUN}/artifacts/x`, ['Content-Length: 200001']),
    413,
    'request_too_large',
    /200000/,
  ],
  [
    'a form over the limit',
    request(`POST ${RUN}/log-artifact`, [TYPE, 'Content-Length: 200001']),
    413,
    'request_too_large',
    /200000/,
  ],
  [
    'a body in chunks that passes the limit',
    `${request(`POST ${RUN}/log-artifact`, [TYPE, chunked])}${chunks(form(filePart('a', 'x'.repeat(90_000)), filePart('b', 'x'.repeat(90_000)), filePart('c', 'x'.repeat(90_000))))}`,
    413,
    'request_too_large',
    /200000/,
  ],
  [
    'a file over the limit in a form',
    post(form(filePart('big', 'x'.repeat(100_001)))),
    413,
    'file_too_large',
    /"big".*100000/,
  ],
  ['a file over the limit by PUT', put('big', 'x'.repeat(100_001)), 413, 'file_too_large', /"big".*100000/],
  [
    'more files than the limit',
    post(form(...Array.from({ length: 6 }, (_, index) => filePart(`f${index}`)))),
    413,
    'too_many_files',
    /5 files/,
  ],
  [
    'a field over the limit',
    post(form(fieldPart('artifact_path', 'x'.repeat(1001)), filePart('a'))),
    413,
    'field_too_large',
    /artifact_path.*1000/,
  ],
  [
    'a manifest over the limit',
    post(form(fieldPart('manifest', 'x'.repeat(5001)), filePart('a'))),
    413,
    'field_too_large',
    /manifest.*5000/,
  ],
  [
    'a JSON body over the limit',
    request('POST /api/v1/experiments', ['Content-Type: application/json', 'Content-Length: 70000']),
    413,
    'request_too_large',
    /65536/,
  ],
]

const CLASHES: readonly Refusal[] = [
  ['the same path twice', post(form(filePart('a'), filePart('a'))), 409, 'path_duplicate', /"a"/],
  [
    'a path that is file and directory',
    post(form(filePart('a/b'), filePart('a'))),
    409,
    'path_conflict',
    /"a".*"a\/b"/,
  ],
]

const FORMS: readonly Refusal[] = [
  ['no file at all', post(form(fieldPart('artifact_path', 'd'))), 422, 'no_file', /file/],
  ['no part at all', post(`--${BOUNDARY}--\r\n`), 422, 'no_file', /file/],
  ['an unknown field', post(form(filePart('a'), fieldPart('colour', 'x'))), 422, 'unknown_field', /"colour"/],
  [
    'a field given twice',
    post(form(fieldPart('artifact_path', 'a'), fieldPart('artifact_path', 'b'), filePart('a'))),
    400,
    'duplicate_field',
    /artifact_path/,
  ],
  [
    'a file that is not in the manifest',
    post(form(manifest(['a', 'x']), filePart('a', 'x'), filePart('b'))),
    422,
    'manifest_mismatch',
    /"b"/,
  ],
  [
    'a manifest entry without its file',
    post(form(manifest(['a', 'x'], ['b', 'x']), filePart('a', 'x'))),
    422,
    'manifest_mismatch',
    /"b"/,
  ],
]

const ADDRESSES: readonly Refusal[] = [
  ['an address that is not there', request('GET /api/v1/nothing', []), 404, 'not_found', /nothing/],
  [
    'a method that an address does not take',
    request('DELETE /api/v1/jobs', []),
    405,
    'method_not_allowed',
    /GET/,
  ],
  [
    'a run that is not there',
    request(`POST /api/v1/experiments/runs/${newId()}/log-artifact`, [TYPE], good),
    404,
    'run_not_found',
    /run_id/,
  ],
  [
    'a run id that is no id',
    request('PUT /api/v1/experiments/runs/nope/artifacts/a', [], 'x'),
    404,
    'run_not_found',
    /nope/,
  ],
  ["another tenant's run", put('x', 'x', ['X-Tenant-ID: other']), 404, 'run_not_found', /run_id/],
  ['a tenant that is no tenant id', put('x', 'x', ['X-Tenant-ID: a/b']), 400, 'tenant_invalid', /tenant/],
  [
    'an unknown query parameter',
    request(`GET ${RUN}/artifacts?colour=red`, []),
    400,
    'validation_failed',
    /"colour"/,
  ],
  [
    'an unknown query parameter on an upload',
    request(`PUT ${RUN}/artifacts/x?overwrite=no`, [], 'x'),
    400,
    'validation_failed',
    /"overwrite"/,
  ],
  [
    'a query parameter given twice',
    request(`GET ${RUN}/artifacts?limit=1&limit=2`, []),
    400,
    'validation_failed',
    /limit/,
  ],
  ['a query of bad UTF-8', request(`GET ${RUN}/artifacts?path=%ff`, []), 400, 'validation_failed', /UTF-8/],
  ['a page of no rows', request(`GET ${RUN}/artifacts?limit=0`, []), 400, 'validation_failed', /limit/],
  [
    'a cursor that no page gave',
    request(`GET ${RUN}/artifacts?cursor=%00`, []),
    400,
    'validation_failed',
    /cursor/,
  ],
  ['a part of a file', put('x', 'x', ['Content-Range: bytes 0-0/2']), 400, 'bad_request', /content-range/],
  ['an upload on a condition', put('x', 'x', ['If-None-Match: *']), 400, 'bad_request', /if-none-match/],
  [
    'an idempotency key of 256 characters',
    put('x', 'x', [`Idempotency-Key: ${'k'.repeat(256)}`]),
    400,
    'idempotency_key_invalid',
    /255/,
  ],
  [
    'JSON that is no JSON',
    request('POST /api/v1/experiments', ['Content-Type: application/json'], '{'),
    400,
    'bad_request',
    /JSON/,
  ],
  [
    'an experiment without a name',
    request('POST /api/v1/experiments', ['Content-Type: application/json'], '{}'),
    400,
    'validation_failed',
    /name/,
  ],
  [
    'an experiment with an unknown field',
    request('POST /api/v1/experiments', ['Content-Type: application/json'], '{"name":"a","colour":"red"}'),
    400,
    'validation_failed',
    /"colour"/,
  ],
  [
    'an experiment whose name holds NUL',
    request('POST /api/v1/experiments', ['Content-Type: application/json'], '{"name":"a\\u0000"}'),
    400,
    'validation_failed',
    /name/,
  ],
]

function chunks(body: string): string {
  return `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
}

describe.each([
  ['media types', MEDIA_TYPES],
  ['framing', FRAMING],
  ['structure', STRUCTURE],
  ['names', NAMES],
  ['digests', DIGESTS],
  ['sizes', SIZES],
  ['clashes', CLASHES],
  ['forms', FORMS],
  ['addresses', ADDRESSES],
])('%s', (_group, refusals) => {
  test.each(refusals)(
    '%s is refused, and leaves nothing behind',
    async (_what, bytes, status, code, detail) => {
      using connection = await RawConnection.open(server.port)
      const answer = await connection.send(bytes.replaceAll(RUN, run)).answer()
      const problem = JSON.parse(answer.body) as Record<string, unknown>
      expect({ status: answer.status, code: problem.code }).toEqual({ status, code })
      expect(problem.detail).toMatch(detail)
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(problem).toMatchObject({ status, type: `urn:lading:error:${code}`, title: expect.any(String) })
      expect([await server.packs(), await server.jobs()]).toEqual([[], 0])
      await expectNextServed(connection, answer.headers.connection)
    },
  )
})

/** On the same connection where the answer did not close it, else on a new one. */
async function expectNextServed(connection: RawConnection, closing: string | undefined): Promise<void> {
  if (closing !== 'close') {
    expect((await connection.send(request('GET /healthz', [])).answer()).status).toBe(200)
    return
  }
  await connection.closed()
  expect((await server.fetch('/healthz')).status).toBe(200)
}

test('a cursor of nonsense in the shape of an id is a mistake, not a fault', async () => {
  const cursor = Buffer.from('-'.repeat(36)).toString('base64url')
  for (const path of ['/api/v1/jobs', '/api/v1/experiments']) {
    const response = await server.fetch(`${path}?cursor=${cursor}`)
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'validation_failed' }])
  }
})

test('an unsupported digest is answered with the algorithm that is wanted', async () => {
  const headers = { 'content-digest': 'md5=:YWJj:' }
  const response = await server.fetch(`${run}/artifacts/x`, { method: 'PUT', body: 'x', headers })
  expect(response.headers.get('want-content-digest')).toBe('sha-256=10')
})

test('a digest that does not hold is never answered with the one that was computed', async () => {
  const headers = { 'content-digest': digest('y') }
  const response = await server.fetch(`${run}/artifacts/x`, { method: 'PUT', body: 'x', headers })
  const text = await response.text()
  expect(response.status).toBe(400)
  expect(text).not.toContain(sha256('x'))
  expect(text).not.toContain(digest('x').slice(9, -1))
})

test('a refusal in mid-body leaves the connection usable when little of the body remains', async () => {
  using connection = await RawConnection.open(server.port)
  const body = form(fieldPart('colour', 'x'), filePart('a', 'y'.repeat(30_000)))
  const head = request(`POST ${run}/log-artifact`, [TYPE, `Content-Length: ${body.length}`])
  connection.send(head + body.slice(0, 200))
  await connection.until('unknown_field')
  connection.send(body.slice(200))
  expect((await connection.answer()).status).toBe(422)
  expect((await connection.send(request('GET /healthz', [])).answer()).status).toBe(200)
})

test('a client that goes away in mid-body leaves nothing behind', async () => {
  using connection = await RawConnection.open(server.port)
  const head = request(`POST ${run}/log-artifact`, [TYPE, 'Content-Length: 90000'])
  connection.send(head + filePart('a', 'x'.repeat(50_000)).slice(0, 40_000))
  await until(() => inFlight().then((count) => count === 1), { within: 30_000 })
  connection.reset()
  await until(() => inFlight().then((count) => count === 0), { within: 30_000 })
  expect([await server.packs(), await server.jobs()]).toEqual([[], 0])
})

test('a client that ends its side in mid-body leaves nothing behind', async () => {
  using connection = await RawConnection.open(server.port)
  connection.send(`${request(`PUT ${run}/artifacts/x`, ['Content-Length: 90000'])}some`)
  await until(() => inFlight().then((count) => count === 1), { within: 30_000 })
  connection.finish()
  await connection.closed()
  await until(() => inFlight().then((count) => count === 0), { within: 30_000 })
  expect([await server.packs(), await server.jobs()]).toEqual([[], 0])
})

async function inFlight(): Promise<number> {
  const text = await (await server.fetch('/metrics')).text()
  return Number(/^lading_uploads_in_flight (\d+)$/m.exec(text)?.[1])
}

test('a body that crawls is refused, and leaves nothing behind', async () => {
  await using strict = await ApiUnderTest.start({
    limits: { bodyBytesPerSecond: 1000, bodyRateWindowMs: 300 },
  })
  const { path } = await strict.run()
  using connection = await RawConnection.open(strict.port)
  connection.send(`${request(`PUT ${path}/artifacts/x`, ['Content-Length: 90000'])}slow`)
  const answer = await connection.answer()
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([408, { code: 'request_timeout' }])
  await connection.closed()
  expect([await strict.packs(), await strict.jobs()]).toEqual([[], 0])
})

test('a file in the way of a directory is refused across requests, before a raw body is read', async () => {
  const { path } = await server.run('clashing')
  const headers = { 'x-tenant-id': 'clashing' }
  expect((await server.fetch(`${path}/artifacts/a/b`, { method: 'PUT', body: 'x', headers })).status).toBe(
    202,
  )
  using connection = await RawConnection.open(server.port)
  connection.send(
    request(`PUT ${path}/artifacts/a`, [
      'X-Tenant-ID: clashing',
      'Expect: 100-continue',
      'Content-Length: 1',
    ]),
  )
  const answer = await connection.answer()
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([409, { code: 'path_conflict' }])
  await server.deliver()
  for (const pack of await server.packs()) await server.spool.remove(pack)
})

test('a server without a default tenant asks for one', async () => {
  await using strict = await ApiUnderTest.start({ config: { defaultTenant: undefined } })
  const response = await strict.fetch('/api/v1/experiments')
  expect([response.status, await response.json()]).toMatchObject([400, { code: 'tenant_required' }])
})
