import { chunksOf } from './chunks.ts'
import { LadingError } from './errors.ts'
import type { DownloadOptions, RangeOptions } from './options.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { digestField } from './sha256.ts'
import type { Transport } from './transport.ts'

const NOTHING = new Blob([])

type Chunk = Uint8Array<ArrayBuffer>

/**
 * The bytes of an artifact, after those that the caller has. Where the connection breaks, it goes on at the byte, of the
 * same artifact; at the end the SHA-256 of all must be the one that was catalogued, or it fails with `digest_mismatch`:
 * believe nothing before the end. One that was replaced meanwhile fails with `precondition_failed`.
 */
export async function* download(
  context: RunContext,
  path: string,
  { onProgress, have = NOTHING, etag, signal }: DownloadOptions,
): AsyncGenerator<Chunk> {
  const hash = context.digests.begin()
  for await (const chunk of chunksOf(have.stream())) {
    signal?.throwIfAborted()
    hash.update(chunk)
  }
  const asking = { address: artifactAddress(context, path), signal }
  const first = await ask(context.transport, asking, have.size, etag)
  const digest = first.headers.get('repr-digest')
  if (digest === null) {
    await first.body?.cancel()
    throw new LadingError(
      'http_error',
      `${path}: the answer has no digest to compare; is this a Lading server?`,
    )
  }
  const total = have.size + Number(first.headers.get('content-length') ?? 0)
  let taken = have.size
  onProgress?.({ sent: taken, total })
  for await (const chunk of acrossBreaks(context.transport, asking, first, have.size)) {
    taken += chunk.length
    hash.update(chunk)
    onProgress?.({ sent: taken, total })
    yield chunk
  }
  if (digest === digestField(hash.hex())) return
  throw new LadingError(
    'digest_mismatch',
    `${path}: the bytes that came have another SHA-256; fetch it again`,
  )
}

/**
 * Some bytes of an artifact, and on at the byte where the connection breaks. They are not verified: whoever puts the whole
 * together compares. Fails with `precondition_failed`, `range_not_satisfiable`.
 */
export async function* downloadRange(
  context: RunContext,
  path: string,
  { start, end, etag, signal }: RangeOptions,
): AsyncGenerator<Chunk> {
  const asking = { address: artifactAddress(context, path), signal, end }
  const first = await ask(context.transport, asking, start, etag)
  yield* acrossBreaks(context.transport, asking, first, start)
}

interface Asking {
  readonly address: string
  readonly signal: AbortSignal | undefined
  /** Of the last byte, the one after it. Undefined: all that there are. */
  readonly end?: number
}

async function* acrossBreaks(
  transport: Transport,
  asking: Asking,
  first: Response,
  start: number,
): AsyncGenerator<Chunk> {
  const { retries = 5 } = transport.options
  const etag = first.headers.get('etag') ?? undefined
  let response = first
  let taken = start
  for (let failures = 0; ; ) {
    try {
      for await (const chunk of transport.chunks(response)) {
        taken += chunk.length
        failures = 0
        yield chunk
      }
      return
    } catch (error) {
      if (taken === asking.end) return
      if (asking.signal?.aborted || ++failures > retries) throw error
      await transport.pauseAfter(error, failures, asking.signal)
      response = await ask(transport, asking, taken, etag)
    }
  }
}

/** From the byte `start` on, of the artifact with this entity tag, if it is still there. */
async function ask(
  transport: Transport,
  { address, signal, end }: Asking,
  start: number,
  etag: string | undefined,
): Promise<Response> {
  const isPart = start > 0 || end !== undefined
  const response = await transport.send(address, {
    ...(signal !== undefined && { signal }),
    headers: {
      ...(isPart && { range: `bytes=${start}-${end === undefined ? '' : end - 1}` }),
      ...(etag !== undefined && { 'if-match': etag }),
    },
  })
  if (!isPart || response.status === 206) return response
  throw new LadingError('http_error', 'the server gave other bytes than the range that was asked for')
}
