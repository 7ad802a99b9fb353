import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { SortedKeys } from './sorted-keys.ts'

/**
 * S3 without storage: as much of it as an uploader asks for, bodies discarded, so that what is measured is the uploader.
 * It keeps what it was told of each object, answers conditions as S3 does, and verifies the checksum of bodies up to
 * `VERIFIED_BYTES`; that is enough for an uploader that finds out what a store verifies.
 */
const VERIFIED_BYTES = 4096

interface Known {
  readonly size: number
  readonly etag: string
  readonly crc32: string | undefined
  readonly sha256: string | undefined
}

interface Upload {
  readonly sha256: string | undefined
  readonly parts: Map<number, Known>
}

const objects = new Map<string, Known>()
const keys = new SortedKeys()
const uploads = new Map<string, Upload>()
let count = 0

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const url = new URL(request.url ?? '/', 'http://sink')
  const answer =
    url.searchParams.has('uploadId') || url.searchParams.has('uploads') ? uploadAnswer : objectAnswer
  answer(request, response, url).catch((error: unknown) => {
    console.error(error)
    response.destroy()
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1')

async function objectAnswer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const key = url.pathname
  const isBucket = key.split('/').filter(Boolean).length < 2
  switch (request.method) {
    case 'PUT': {
      const known = await receive(request)
      if (known === undefined) return problem(response, 400, 'BadDigest')
      if (!holds(request, key)) return problem(response, 412, 'PreconditionFailed')
      keep(key, known)
      return done(response, 200, described(known))
    }
    case 'HEAD': {
      const known = objects.get(key)
      if (known === undefined) return done(response, isBucket ? 200 : 404, {})
      return done(response, 200, { ...described(known), 'content-length': String(known.size) })
    }
    case 'DELETE':
      forget(key)
      return done(response, 204, {})
    default:
      return xml(response, listOf(key, url.searchParams))
  }
}

function listOf(bucket: string, query: URLSearchParams): string {
  const root = `${bucket.replace(/\/$/, '')}/`
  const prefix = `${root}${query.get('prefix') ?? ''}`
  const after = `${root}${query.get('start-after') ?? ''}`
  const length = Number(query.get('max-keys') ?? 1000)
  const rows: string[] = []
  for (const key of keys.after(after > prefix ? after : prefix)) {
    if (rows.length === length || !key.startsWith(prefix)) break
    const { size = 0, etag = '' } = objects.get(key) ?? {}
    const named = decodeURIComponent(key.slice(root.length))
    rows.push(`<Contents><Key>${named}</Key><Size>${size}</Size><ETag>${etag}</ETag></Contents>`)
  }
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListBucketResult>`
}

function keep(key: string, known: Known): void {
  objects.set(key, known)
  keys.add(key)
}

function forget(key: string): void {
  objects.delete(key)
  keys.delete(key)
}

async function uploadAnswer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const id = url.searchParams.get('uploadId') ?? ''
  if (request.method === 'POST' && id === '') {
    const uploadId = `upload-${count++}`
    uploads.set(uploadId, { sha256: header(request, 'x-amz-meta-sha256'), parts: new Map() })
    return xml(
      response,
      `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
    )
  }
  if (id === '')
    return xml(
      response,
      '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>',
    )
  const upload = uploads.get(id)
  if (upload === undefined) return problem(response, 404, 'NoSuchUpload')
  switch (request.method) {
    case 'PUT': {
      const part = await receive(request)
      if (part === undefined) return problem(response, 400, 'BadDigest')
      upload.parts.set(Number(url.searchParams.get('partNumber')), part)
      return done(response, 200, described(part))
    }
    case 'POST':
      return await complete(request, response, url.pathname, id, upload)
    case 'DELETE':
      uploads.delete(id)
      return done(response, 204, {})
    default:
      return xml(
        response,
        `<ListPartsResult><IsTruncated>false</IsTruncated>${listed(upload)}</ListPartsResult>`,
      )
  }
}

async function complete(
  request: IncomingMessage,
  response: ServerResponse,
  key: string,
  id: string,
  upload: Upload,
): Promise<void> {
  await discard(request)
  if (!holds(request, key)) return problem(response, 412, 'PreconditionFailed')
  const parts = [...upload.parts.values()]
  const etag = `"${String(count++).padStart(32, '0')}-${parts.length}"`
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  keep(key, { size, etag, crc32: header(request, 'x-amz-checksum-crc32'), sha256: upload.sha256 })
  uploads.delete(id)
  xml(response, `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`)
}

/** Undefined: the checksum that came with it is not that of the bytes. */
async function receive(request: IncomingMessage): Promise<Known | undefined> {
  const size = Number(header(request, 'content-length'))
  const declared = header(request, 'x-amz-checksum-crc32')
  if (size > VERIFIED_BYTES) await discard(request)
  else if (!matches(await buffer(request), declared)) return undefined
  const etag = `"${String(count++).padStart(32, '0')}"`
  return { size, etag, crc32: declared, sha256: header(request, 'x-amz-meta-sha256') }
}

function matches(bytes: Buffer, declared: string | undefined): boolean {
  return declared === undefined || Buffer.from(declared, 'base64').readUInt32BE() === crc32(bytes)
}

async function discard(request: IncomingMessage): Promise<void> {
  request.resume()
  if (!request.readableEnded) await once(request, 'end')
}

function holds(request: IncomingMessage, key: string): boolean {
  const known = objects.get(key)
  if (header(request, 'if-none-match') !== undefined) return known === undefined
  const etag = header(request, 'if-match')
  return etag === undefined || etag === known?.etag
}

function described({ etag, crc32, sha256 }: Known): Record<string, string> {
  return {
    etag,
    ...(crc32 === undefined ? {} : { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-type': 'FULL_OBJECT' }),
    ...(sha256 === undefined ? {} : { 'x-amz-meta-sha256': sha256 }),
  }
}

function listed({ parts }: Upload): string {
  const rows = [...parts].map(
    ([number, { etag, size }]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag><Size>${size}</Size></Part>`,
  )
  return rows.join('')
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function done(response: ServerResponse, status: number, headers: Record<string, string>): void {
  response.writeHead(status, headers).end()
}

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(text)
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}
