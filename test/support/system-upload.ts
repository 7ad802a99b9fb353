import { randomBytes } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { AcceptedResponse, Problem } from '@lading/protocol'
import type { Content } from './system-content.ts'

/** A part of the form, in the order in which it is sent. */
export type FormPart =
  | { readonly name: string; readonly file: Content }
  | { readonly field: string; readonly value: string }

export interface Answer<T> {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: T
}

export type UploadAnswer = Answer<AcceptedResponse & Partial<Problem>>

export interface UploadRequest {
  readonly method: 'POST' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Iterable<Buffer> | AsyncIterable<Buffer>
  /** Bytes; without it the body goes in chunks. */
  readonly length?: number | undefined
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Sends the body as it is made. Rejects when the connection ends before there is an answer. */
export async function upload({ method, url, headers, body, length }: UploadRequest): Promise<UploadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request(url, {
    method,
    agent,
    headers: length === undefined ? headers : { ...headers, 'content-length': length },
  })
  outgoing.once('response', resolve).once('error', reject)
  // A refusal may come before the body is sent; then it is the answer that counts.
  pipeline(Readable.from(body, { objectMode: false }), outgoing).catch(reject)
  const response = await promise
  const answer = (await json(response)) as AcceptedResponse & Partial<Problem>
  return { status: response.statusCode ?? 0, headers: response.headers, body: answer }
}

/** A form, byte for byte as RFC 7578 has it. */
export function formOf(parts: readonly FormPart[]): Pick<UploadRequest, 'headers' | 'body' | 'length'> {
  const boundary = `----lading${randomBytes(12).toString('hex')}`
  const heads = parts.map((part) => Buffer.from(`--${boundary}\r\n${dispositionOf(part)}\r\n\r\n`))
  const end = Buffer.from(`--${boundary}--\r\n`)
  const sizes = parts.map((part) => ('file' in part ? part.file.size : Buffer.byteLength(part.value)))
  const length = heads.reduce((sum, head, index) => sum + head.length + (sizes[index] ?? 0) + 2, end.length)
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    length,
    body: (function* () {
      for (const [index, part] of parts.entries()) {
        yield heads[index] ?? Buffer.alloc(0)
        if ('file' in part) yield* part.file.chunks()
        else yield Buffer.from(part.value)
        yield Buffer.from('\r\n')
      }
      yield end
    })(),
  }
}

function dispositionOf(part: FormPart): string {
  if ('field' in part) return `Content-Disposition: form-data; name="${part.field}"`
  const type = 'Content-Type: application/octet-stream'
  return `Content-Disposition: form-data; name="file"; filename="${part.name}"\r\n${type}`
}
