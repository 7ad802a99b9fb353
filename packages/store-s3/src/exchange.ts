import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { DirectReply } from './direct-reply.ts'
import type { Endpoint } from './endpoints.ts'

export interface Exchange {
  readonly endpoint: Pick<Endpoint, 'url' | 'agent'>
  readonly method: 'PUT' | 'HEAD'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

/**
 * One request of HTTP and the head of its answer. The SDK's handler does the same with five timers and two listeners for each
 * request, which cost as much as the request; here the caller's signal is what bounds it. Rejects with Node's error, or with
 * the reason of the signal.
 */
export function exchange(
  { endpoint: { url, agent }, method, path, headers, body }: Exchange,
  signal: AbortSignal,
): Promise<DirectReply> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const { hostname, port } = url
    const request = send({ hostname: bare(hostname), port, agent, method, path, headers: { ...headers } })
    const abandon = () => request.destroy(signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    request.once('response', (response) => resolve(replyOf(response)))
    request.once('error', reject)
    request.once('close', () => signal.removeEventListener('abort', abandon))
    if (signal.aborted) abandon()
    request.end(body)
  })
}

/** An IPv6 address in a URL has brackets, and has none where it is connected to. */
function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function replyOf(response: IncomingMessage): DirectReply {
  const { statusCode = 0, headers } = response
  // Only `set-cookie` is a list, and no store sets one that is looked at.
  return { statusCode, headers: headers as Readonly<Record<string, string>>, body: response }
}
