import fc from 'fast-check'
import { BOUNDARY } from '../../../packages/multipart/src/fixtures/form-body.ts'
import { mutated } from '../mutated.ts'
import { formBody } from './form.ts'
import { location, name } from './names.ts'
import { tar } from './tar.ts'
import { zip } from './zip.ts'

/** Stand for the run's address and the root of the store; `{length}` for the bytes of the body. */
const RUN = '{run}'
const ROOT = '{root}'

const accepted = fc.constantFrom('log-artifact', 'log-artifacts')
const chunked = fc.boolean()

/** Whole requests to every address that takes names or bodies. */
export const requests: fc.Arbitrary<Buffer> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(accepted, formBody, chunked)
      .map(([to, body, inChunks]) => post(to, `multipart/form-data; boundary=${BOUNDARY}`, body, inChunks)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(tar, chunked)
      .map(([body, inChunks]) => post('log-artifacts', 'application/x-tar', body, inChunks)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(zip, chunked)
      .map(([body, inChunks]) => post('log-artifacts', 'application/zip', body, inChunks)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('PUT', 'GET', 'HEAD', 'DELETE'), name)
      .map(([method, path]) =>
        request(`${method} ${RUN}/artifacts/${lineOf(path)}`, [], Buffer.from(method === 'PUT' ? 'x' : '')),
      ),
  },
  {
    weight: 1,
    arbitrary: name.map((path) =>
      request(`GET ${RUN}/artifacts?path=${encodeURIComponent(path.toWellFormed())}`, [], Buffer.alloc(0)),
    ),
  },
  { weight: 1, arbitrary: location(ROOT).map(experiment) },
  { weight: 1, arbitrary: name.map(resumable) },
)

/** A request that was cut, or put together wrongly. */
export const framing = mutated(
  formBody.map((body) => post('log-artifact', `multipart/form-data; boundary=${BOUNDARY}`, body, false)),
  [
    '\r\n',
    '\n',
    ': ',
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Expect: 100-continue\r\n',
    'X-Tenant-ID: a\r\n',
    'Idempotency-Key: a\r\n',
    'Content-Encoding: gzip\r\n',
    '0\r\n\r\n',
    ' HTTP/1.1',
    '\0',
    '%2f',
  ],
)

function post(to: string, type: string, body: Buffer, inChunks: boolean): Buffer {
  const line = `POST ${RUN}/${to}`
  if (!inChunks) return request(line, [`Content-Type: ${type}`], body)
  const size = Buffer.from(`${body.length.toString(16)}\r\n`)
  const chunks = body.length === 0 ? [] : [size, body, Buffer.from('\r\n')]
  return Buffer.concat([
    head(line, [`Content-Type: ${type}`, 'Transfer-Encoding: chunked']),
    ...chunks,
    Buffer.from('0\r\n\r\n'),
  ])
}

function experiment(place: string): Buffer {
  const body = JSON.stringify({ name: 'fuzzed', artifact_location: place })
  return request('POST /api/v1/experiments', ['Content-Type: application/json'], Buffer.from(body))
}

function resumable(path: string): Buffer {
  const metadata = `Upload-Metadata: path ${Buffer.from(path).toString('base64')}`
  return request(
    `POST ${RUN}/resumable`,
    ['Tus-Resumable: 1.0.0', 'Upload-Length: 5', metadata],
    Buffer.alloc(0),
  )
}

/** A path as it may stand in a request line. */
function lineOf(path: string): string {
  return path.replace(/[^!-~]/gu, (character) => encodeURIComponent(character.toWellFormed()))
}

function request(line: string, headers: readonly string[], body: Buffer): Buffer {
  return Buffer.concat([head(line, [...headers, 'Content-Length: {length}']), body])
}

function head(line: string, headers: readonly string[]): Buffer {
  return Buffer.from([`${line} HTTP/1.1`, 'Host: fuzz', ...headers, '', ''].join('\r\n'))
}
