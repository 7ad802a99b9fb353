import type { S3Client } from '@aws-sdk/client-s3'
import type { ObjectRef } from '@lading/core'
import type { Sending } from './context.ts'
import { type DirectReply, faultOfReply, isForTheSdk } from './direct-reply.ts'
import { type Endpoint, endpointOf } from './endpoints.ts'
import { exchange } from './exchange.ts'

export interface DirectRequest {
  readonly method: 'PUT' | 'HEAD'
  readonly ref: ObjectRef
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/**
 * Sends a request with the client's own endpoint, credentials, signature, clock and connections, but past its
 * middleware: of a small object's request that is three quarters of the processor's time (docs/benchmarks.md, *small*).
 * For the requests that there are as many of as files, and no others.
 *
 * Undefined: the SDK is to send it. Either it has not been seen yet which endpoint the SDK resolves the bucket to, or
 * the answer is one that it does something about (a redirect, a clock that is wrong, credentials that ran out). Other
 * answers that are no success are thrown, as the SDK throws them.
 */
export async function sendDirectly(
  client: S3Client,
  request: DirectRequest,
  { abortSignal }: Sending,
): Promise<DirectReply | undefined> {
  const endpoint = endpointOf(client, request.ref.bucket)
  if (endpoint === undefined) return undefined
  const headers = await signedHeaders(client, endpoint, request)
  const { method, body } = request
  const response = await exchange(
    { endpoint, method, path: pathOf(endpoint, request), headers, body },
    abortSignal,
  )
  if (isForTheSdk(response)) {
    response.body?.resume()
    return undefined
  }
  if (response.statusCode !== 200) throw await faultOfReply(response)
  response.body?.resume()
  return response
}

async function signedHeaders(client: S3Client, endpoint: Endpoint, request: DirectRequest) {
  const { url, signer } = endpoint
  const { headers } = await (await signer).sign(
    {
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: pathOf(endpoint, request),
      query: {},
      headers: { host: url.host, 'user-agent': 'lading', ...request.headers },
      body: request.body,
    },
    { signingDate: new Date(Date.now() + client.config.systemClockOffset) },
  )
  return headers
}

function pathOf({ url }: Endpoint, { ref }: DirectRequest): string {
  return `${url.pathname.replace(/\/$/, '')}/${escapedKey(ref.key)}`
}

/** All but RFC 3986's unreserved characters and the slash, as the SDK and Signature Version 4 have it. */
function escapedKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}
