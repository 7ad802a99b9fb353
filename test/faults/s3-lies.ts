import { PutObjectCommand } from '@aws-sdk/client-s3'
import { type S3Access, s3Client } from '../support/s3.ts'
import type { S3Exchange } from '../support/system-s3-proxy.ts'
import type { FaultServers } from './fault-servers.ts'

/** What is done with a request in S3's stead. */
export type Lie = (exchange: S3Exchange, access: S3Access) => Promise<void>

interface Lying {
  readonly operation: string
  readonly lie: Lie
  /** How many requests it is told to. */
  readonly times: number
}

/** Resolves when the last of the requests has come that it is told to. */
export async function lieTo({ s3Proxy, s3 }: FaultServers, { operation, lie, times }: Lying): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = times
  s3Proxy.rule = (request) => {
    if (request.operation !== operation || left === 0) return undefined
    left -= 1
    if (left === 0) resolve()
    return (exchange) => lie(exchange, s3)
  }
  await promise
}

export function fails(status: number, code: string): Lie {
  return async ({ request, outgoing }) => {
    await request.absorb()
    request.status = status
    outgoing.writeHead(status, { 'content-type': 'application/xml' }).end(errorBody(code))
  }
}

/** S3 may answer 200 to a Complete before it knows: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export const errorIn200 = fails(200, 'InternalError')

/** It is done, and the answer says that it failed. */
export const doneAndDenied: Lie = async ({ ask, outgoing }) => {
  await ask()
  outgoing.writeHead(500, { 'content-type': 'application/xml' }).end(errorBody('InternalError'))
}

export const reset: Lie = async ({ incoming }) => {
  for await (const _ of incoming) break
  incoming.socket.resetAndDestroy()
}

/** Takes everything, and never answers. */
export const silence: Lie = async ({ incoming }) => {
  incoming.resume()
}

export const wrongEtag: Lie = async ({ ask, outgoing }) => {
  const { status, headers, body } = await ask()
  const etag = '"00000000000000000000000000000000"'
  outgoing.writeHead(status, { ...headers, etag }).end(body)
}

/** Fewer bytes are kept than came. The answer is that of a success, and has no size, as AWS's has none. */
export const shortObject: Lie = async ({ request, ask, outgoing }, access) => {
  const { status, headers, body } = await ask()
  delete headers['x-amz-object-size']
  const [, bucket = '', ...key] = request.path.split('/')
  const client = s3Client(access)
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key.join('/'), Body: 'short' }))
  client.destroy()
  outgoing.writeHead(status, headers).end(body)
}

function errorBody(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>A test said so.</Message></Error>`
}
