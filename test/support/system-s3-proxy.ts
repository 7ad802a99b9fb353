import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'

/** A request to S3, as it passes. */
export interface S3Request {
  /** As S3 names it. */
  readonly operation: string
  /** The bucket and the key. */
  readonly path: string
  readonly partNumber: number | undefined
  /** What is answered; undefined until that is known. */
  status: number | undefined
  /** Takes the whole body in, so that the request arrives even if its sender dies. */
  absorb(): Promise<void>
}

/** A request in the hands of a test, which answers it in its own way, or breaks it. */
export interface S3Exchange {
  readonly request: S3Request
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** Asks S3, and answers what it says. */
  forward(): Promise<void>
  /** Asks S3, and keeps its answer from the client: the status and the body. */
  ask(): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }>
}

type S3Verdict = number | ((exchange: S3Exchange) => Promise<void>) | undefined

/** What to answer instead of asking S3; nothing to pass the request on, as soon as the promise has resolved. */
export type S3Rule = (request: S3Request) => S3Verdict | Promise<S3Verdict>

/** The network between the system and S3: it passes all on, unless a test's rule holds a request or answers it. */
export interface S3Proxy {
  readonly url: string
  /** All that came, in order. */
  readonly requests: readonly S3Request[]
  /** For the requests that come from now on; `pass` lets them all through. */
  rule: S3Rule
  close(): Promise<void>
}

export const pass: S3Rule = () => undefined

export async function startS3Proxy(endpoint: string): Promise<S3Proxy> {
  const agent = new Agent({ keepAlive: true })
  const requests: S3Request[] = []
  const proxy = { rule: pass }
  const server = createServer((incoming, outgoing) => {
    const seen = describe(incoming)
    requests.push(seen.request)
    handle(seen, outgoing).catch(() => outgoing.destroy())
  })
  const handle = async (seen: Seen, outgoing: ServerResponse) => {
    const verdict = await proxy.rule(seen.request)
    if (verdict === undefined) await forward(endpoint, agent, seen, outgoing)
    else if (typeof verdict === 'number') await refuse(seen, outgoing, verdict)
    else
      await verdict({
        request: seen.request,
        incoming: seen.incoming,
        outgoing,
        forward: () => forward(endpoint, agent, seen, outgoing),
        ask: () => askAside(endpoint, agent, seen),
      })
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections()
      agent.destroy()
      server.close()
      await once(server, 'close')
    },
  })
}

interface Seen {
  readonly incoming: IncomingMessage
  readonly request: S3Request
  body: Buffer | undefined
}

function describe(incoming: IncomingMessage): Seen {
  const url = new URL(incoming.url ?? '/', 'http://s3')
  const part = url.searchParams.get('partNumber')
  const seen: Seen = {
    incoming,
    body: undefined,
    request: {
      operation: operationOf(incoming.method ?? '', url),
      path: decodeURIComponent(url.pathname),
      partNumber: part === null ? undefined : Number(part),
      status: undefined,
      absorb: async () => {
        seen.body = await buffer(incoming)
      },
    },
  }
  return seen
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html */
function operationOf(method: string, { searchParams, pathname }: URL): string {
  const isBucket = !pathname.slice(1).includes('/')
  if (searchParams.has('uploadId')) {
    const names = { PUT: 'UploadPart', POST: 'CompleteMultipartUpload', DELETE: 'AbortMultipartUpload' }
    return names[method as keyof typeof names] ?? 'ListParts'
  }
  if (searchParams.has('uploads')) return method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads'
  const what = method[0] + method.slice(1).toLowerCase()
  return `${what}${isBucket ? 'Bucket' : 'Object'}`
}

async function forward(endpoint: string, agent: Agent, seen: Seen, outgoing: ServerResponse): Promise<void> {
  const response = await ask(endpoint, agent, seen)
  outgoing.writeHead(response.statusCode ?? 502, response.rawHeaders)
  await pipeline(response, outgoing)
}

async function askAside(endpoint: string, agent: Agent, seen: Seen) {
  const response = await ask(endpoint, agent, seen)
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
}

async function ask(endpoint: string, agent: Agent, seen: Seen): Promise<IncomingMessage> {
  const { incoming, body } = seen
  const { hostname, port } = new URL(endpoint)
  const { method, url: path, headers } = incoming
  const upstream = request({ hostname, port, agent, method, path, headers })
  const answered = once(upstream, 'response') as Promise<[IncomingMessage]>
  if (body === undefined) pipeline(incoming, upstream).catch(() => upstream.destroy())
  else upstream.end(body)
  const [response] = await answered
  seen.request.status = response.statusCode
  return response
}

/** As a store that is overloaded: the body is read, and not looked at. */
async function refuse({ incoming, request }: Seen, outgoing: ServerResponse, status: number): Promise<void> {
  await finished(incoming.resume())
  request.status = status
  outgoing.writeHead(status, { 'content-type': 'application/xml' })
  outgoing.end(
    '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
  )
}
