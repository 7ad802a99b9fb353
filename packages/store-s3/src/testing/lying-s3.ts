import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'

export type Operation =
  | 'PutObject'
  | 'HeadObject'
  | 'GetObject'
  | 'DeleteObject'
  | 'HeadBucket'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'

/** What kind of store it is, when it does not lie. */
export interface Character {
  /** `verified` and kept; `composite`: those of parts, not of the whole; `repeated` without a look; `unknown`: ignored, as by stores older than they are. */
  readonly checksums: 'verified' | 'composite' | 'repeated' | 'unknown'
  readonly etags: 'md5' | 'opaque'
  readonly conditions: 'held' | 'ignored' | 'not implemented'
}

export interface Exchange {
  readonly operation: Operation
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Does, and answers, what an honest store would; without an answer if `silently`. */
  honestly(options?: { silently: boolean }): Promise<void>
}

export type Lie = (exchange: Exchange) => void | Promise<void>

export interface StoredBytes {
  readonly body: Buffer
  readonly etag: string
  readonly crc32: string | undefined
  readonly headers: Record<string, string>
}

/** Speaks just enough S3 to store objects, and tells such lies, once or for ever, as a test puts in its mouth. */
export class LyingS3 {
  readonly objects = new Map<string, StoredBytes>()
  readonly uploads = new Map<
    string,
    { headers: IncomingMessage['headers']; parts: Map<number, StoredBytes> }
  >()
  readonly requests: { operation: Operation; headers: IncomingMessage['headers'] }[] = []
  readonly #character: Character
  readonly #lies = new Map<Operation, { lie: Lie; times: number }[]>()
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error) => response.destroy(error))
  })

  constructor(character: Partial<Character> = {}) {
    this.#character = { checksums: 'verified', etags: 'md5', conditions: 'held', ...character }
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server.close(), 'close')
  }

  lie(operation: Operation, lie: Lie, times = Number.POSITIVE_INFINITY): void {
    this.#lies.set(operation, [...(this.#lies.get(operation) ?? []), { lie, times }])
  }

  count(operation: Operation): number {
    return this.requests.filter((request) => request.operation === operation).length
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://store')
    const operation = operationOf(request.method ?? '', url)
    this.requests.push({ operation, headers: request.headers })
    const honestly = async ({ silently } = { silently: false }) => {
      const body = await buffer(request)
      const reply = this.#honest(operation, url, request.headers, body)
      if (!silently) send(response, reply)
    }
    const lie = this.#lies.get(operation)?.find((it) => it.times-- > 0)?.lie
    if (lie === undefined) await honestly()
    else await lie({ operation, request, response, honestly })
  }

  #honest(operation: Operation, url: URL, headers: IncomingMessage['headers'], body: Buffer): Reply {
    const key = decodeURIComponent(url.pathname)
    const uploadId = url.searchParams.get('uploadId') ?? ''
    switch (operation) {
      case 'PutObject':
        return this.#refusal(key, headers, body) ?? this.#keep(key, body, headers)
      case 'HeadObject':
      case 'GetObject':
        return this.#read(key, headers.range)
      case 'DeleteObject':
        this.objects.delete(key)
        return { status: 204 }
      case 'HeadBucket':
        return { status: 200 }
      case 'CreateMultipartUpload': {
        const id = randomUUID()
        this.uploads.set(id, { headers, parts: new Map() })
        return xml(200, `<R><UploadId>${id}</UploadId></R>`)
      }
      case 'AbortMultipartUpload':
        return this.uploads.delete(uploadId) ? { status: 204 } : noSuchUpload()
      case 'UploadPart':
        return this.#keepPart(uploadId, Number(url.searchParams.get('partNumber')), headers, body)
      case 'CompleteMultipartUpload':
        return this.#complete(key, uploadId, headers)
      case 'ListParts':
        return this.uploads.has(uploadId) ? xml(200, '<ListPartsResult></ListPartsResult>') : noSuchUpload()
      default:
        return operation satisfies never
    }
  }

  #refusal(key: string, headers: IncomingMessage['headers'], body?: Buffer): Reply | undefined {
    const sent = headers['x-amz-checksum-crc32']
    const verifies = ['verified', 'composite'].includes(this.#character.checksums)
    if (verifies && body !== undefined && sent !== undefined && sent !== crcOf(body))
      return fault(400, 'BadDigest')
    const conditional = headers['if-match'] ?? headers['if-none-match']
    if (conditional === undefined || this.#character.conditions === 'ignored') return undefined
    if (this.#character.conditions === 'not implemented') return fault(501, 'NotImplemented')
    const etag = this.objects.get(key)?.etag
    const holds = headers['if-none-match'] === '*' ? etag === undefined : etag === headers['if-match']
    return holds ? undefined : fault(412, 'PreconditionFailed')
  }

  #keep(key: string, body: Buffer, headers: IncomingMessage['headers']): Reply {
    const stored = this.#stored(body, headers)
    this.objects.set(key, stored)
    return { status: 200, headers: { etag: stored.etag, ...checksumHeader(stored) } }
  }

  #keepPart(id: string, number: number, headers: IncomingMessage['headers'], body: Buffer): Reply {
    const upload = this.uploads.get(id)
    if (upload === undefined) return noSuchUpload()
    const refusal = this.#refusal('', headers, body)
    if (refusal !== undefined) return refusal
    const stored = this.#stored(body, headers)
    upload.parts.set(number, stored)
    return { status: 200, headers: { etag: stored.etag, ...checksumHeader(stored) } }
  }

  #complete(key: string, id: string, headers: IncomingMessage['headers']): Reply {
    const upload = this.uploads.get(id)
    if (upload === undefined) return noSuchUpload()
    const refusal = this.#refusal(key, headers)
    if (refusal !== undefined) return refusal
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part)
    const body = Buffer.concat(parts.map((part) => part.body))
    const md5s = Buffer.concat(parts.map((part) => Buffer.from(part.etag.slice(1, 33), 'hex')))
    const composite = this.#character.checksums === 'composite'
    if (composite && headers['x-amz-checksum-crc32'] !== undefined) return fault(400, 'BadDigest')
    const kept = this.#stored(body, { ...upload.headers, ...headers })
    const crcs = Buffer.concat(parts.map((part) => Buffer.from(part.crc32 ?? '', 'base64')))
    const stored = composite ? { ...kept, crc32: `${crcOf(crcs)}-${parts.length}` } : kept
    const etag = this.#character.etags === 'md5' ? `"${md5(md5s)}-${parts.length}"` : stored.etag
    this.objects.set(key, { ...stored, etag })
    this.uploads.delete(id)
    return xml(200, `<R><ETag>${etag}</ETag></R>`)
  }

  #stored(body: Buffer, headers: IncomingMessage['headers']): StoredBytes {
    const sent = headers['x-amz-checksum-crc32'] as string | undefined
    const { checksums, etags } = this.#character
    const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'))
    return {
      body,
      etag: etags === 'md5' ? `"${md5(body)}"` : `"${randomUUID().replaceAll('-', '')}"`,
      crc32: checksums === 'unknown' ? undefined : checksums === 'repeated' ? sent : crcOf(body),
      headers: Object.fromEntries(kept) as Record<string, string>,
    }
  }

  #read(key: string, range: string | undefined): Reply {
    const stored = this.objects.get(key)
    if (stored === undefined) return fault(404, 'NoSuchKey')
    const headers = { etag: stored.etag, ...stored.headers, ...checksumHeader(stored) }
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
    if (start === undefined || end === undefined) return { status: 200, headers, body: stored.body }
    const last = Math.min(Number(end), stored.body.length - 1)
    const contentRange = `bytes ${start}-${last}/${stored.body.length}`
    const body = stored.body.subarray(Number(start), last + 1)
    return { status: 206, headers: { ...headers, 'content-range': contentRange }, body }
  }
}

export interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: Buffer | string
}

/** An error as S3 writes it. */
export function fault(status: number, code: string, message = code): Reply {
  return xml(
    status,
    `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>R1</RequestId></Error>`,
  )
}

export function xml(status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0"?>${body}` }
}

/** Always this answer, whatever was asked; the body of the request is read first. */
export function answer(reply: Reply): Lie {
  return async ({ request, response }) => {
    await buffer(request)
    send(response, reply)
  }
}

export function send(response: ServerResponse, { status, headers = {}, body = '' }: Reply): void {
  response.writeHead(status, {
    'content-length': Buffer.byteLength(body),
    'x-amz-request-id': 'R1',
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

function operationOf(method: string, url: URL): Operation {
  const query = url.searchParams
  const isBucket = url.pathname.split('/').length < 3 || url.pathname.endsWith('/')
  if (method === 'HEAD') return isBucket ? 'HeadBucket' : 'HeadObject'
  if (method === 'GET') return query.has('uploadId') ? 'ListParts' : 'GetObject'
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject'
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload'
  return query.has('uploadId') ? 'UploadPart' : 'PutObject'
}

function noSuchUpload(): Reply {
  return fault(404, 'NoSuchUpload')
}

function checksumHeader({ crc32 }: StoredBytes): Record<string, string> {
  if (crc32 === undefined) return {}
  const type = crc32.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT'
  return { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-type': type }
}

function crcOf(body: Buffer): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return bytes.toString('base64')
}

function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('hex')
}
