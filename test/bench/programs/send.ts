import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { json, text } from 'node:stream/consumers'
import { type GeneratedFile, tarOf } from '../../support/generated-tar.ts'

/** What to send, on standard input as JSON. */
export interface Sending {
  readonly url: string
  readonly requests: readonly SendingRequest[]
  /** Requests under way at once. */
  readonly concurrency: number
}

export interface SendingRequest {
  readonly method: 'PUT' | 'POST'
  readonly path: string
  readonly tenant?: string
  readonly body: Body
}

/**
 * Bytes as they are, from a place in the content; or a form or a tar with so many files, each of so many bytes, below a
 * directory. What is sent differs from one call to the next.
 */
export type Body =
  | { readonly kind: 'raw'; readonly bytes: number; readonly from?: number }
  | {
      readonly kind: 'form' | 'tar'
      readonly files: number
      readonly fileBytes: number
      readonly directory: string
    }

type Files = Exclude<Body, { kind: 'raw' }>

/** What came of it, on standard output as JSON. */
export interface Sent {
  /** Milliseconds from the first byte of the first request to the last byte of the last answer. */
  readonly ms: number
  /** In the order of the requests. */
  readonly answers: readonly Answer[]
}

export interface Answer {
  readonly status: number
  readonly body: string
  /** When it was whole, by `performance.timeOrigin + performance.now()`. */
  readonly at: number
}

const BOUNDARY = 'lading-bench-5d0c1f3e9a7b'
const TYPES = { form: `multipart/form-data; boundary=${BOUNDARY}`, tar: 'application/x-tar' } as const
const BATCH = 256 * 1024
/** Not compressible, and of a size that stays in the processor's cache: what sending costs must not be what is measured. */
const CONTENT = randomBytes(1024 * 1024)

if (import.meta.main) {
  const sending = (await json(process.stdin)) as Sending
  process.stdout.write(JSON.stringify(await send(sending)))
}

async function send({ url, requests, concurrency }: Sending): Promise<Sent> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const bodies = requests.map(({ body }) => chunksOf(body))
  const answers: Answer[] = []
  let next = 0
  const lane = async () => {
    for (let at = next++; at < requests.length; at = next++) {
      const [request, chunks] = [requests[at], bodies[at]]
      if (request !== undefined && chunks !== undefined)
        answers[at] = await sendOne(new URL(request.path, url), request, chunks, agent)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: concurrency }, lane))
  const ms = performance.now() - start
  agent.destroy()
  return { ms, answers }
}

async function sendOne(
  url: URL,
  sending: SendingRequest,
  chunks: readonly Buffer[],
  agent: Agent,
): Promise<Answer> {
  const { method, tenant, body } = sending
  const request = httpRequest(url, {
    agent,
    method,
    headers: {
      'content-length': chunks.reduce((sum, chunk) => sum + chunk.length, 0),
      ...(tenant === undefined ? {} : { 'x-tenant-id': tenant }),
      ...(body.kind === 'raw' ? {} : { 'content-type': TYPES[body.kind] }),
    },
  })
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request.once('response', resolve).once('error', reject)
  // A refusal may come before the body is sent; then it is the answer that counts.
  write(request, chunks).catch(reject)
  const response = await answered
  const answer = await text(response)
  return { status: response.statusCode ?? 0, body: answer, at: performance.timeOrigin + performance.now() }
}

async function write(request: ClientRequest, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) if (!request.write(chunk)) await once(request, 'drain')
  request.end()
}

/** The whole body in chunks, made before the clock starts. */
function chunksOf(body: Body): Buffer[] {
  switch (body.kind) {
    case 'raw':
      return contentOf(body.bytes, body.from)
    case 'form':
      return [...batched(formOf(body))]
    case 'tar':
      return [...tarOf(filesOf(body))]
  }
}

function* filesOf({ files, fileBytes, directory }: Files): Generator<GeneratedFile> {
  for (let index = 0; index < files; index++) {
    const chunks = () => contentOf(fileBytes, placeOf(index))
    yield { path: `${directory}/${Math.floor(index / 100)}/${index}.bin`, file: { size: fileBytes, chunks } }
  }
}

function* formOf({ files, fileBytes, directory }: Files): Generator<Buffer> {
  for (let index = 0; index < files; index++) {
    const filename = `${directory}/${index}.bin`
    yield Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    )
    yield* contentOf(fileBytes, placeOf(index))
    yield Buffer.from('\r\n')
  }
  yield Buffer.from(`--${BOUNDARY}--\r\n`)
}

/** Differs from file to file, so that no two small files are the same. */
export function placeOf(index: number): number {
  return index * 1031
}

function contentOf(bytes: number, from = 0): Buffer[] {
  const chunks: Buffer[] = []
  let at = from % CONTENT.length
  for (let left = bytes; left > 0; ) {
    const chunk = CONTENT.subarray(at, at + left)
    chunks.push(chunk)
    left -= chunk.length
    at = 0
  }
  return chunks
}

/** Small chunks joined, so that the client is not slowed by system calls. */
function* batched(chunks: Iterable<Buffer>): Generator<Buffer> {
  let small: Buffer[] = []
  let bytes = 0
  for (const chunk of chunks) {
    small.push(chunk)
    bytes += chunk.length
    if (bytes < BATCH) continue
    yield small.length === 1 ? chunk : Buffer.concat(small)
    small = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(small)
}
