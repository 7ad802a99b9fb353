import { LadingError } from './errors.ts'
import type { DownloadOptions } from './options.ts'
import { artifactAddress, type RunContext } from './run-context.ts'
import { chunksOf, digestField } from './sha256.ts'
import type { Transport } from './transport.ts'

type Chunk = Uint8Array<ArrayBuffer>

/**
 * The bytes of an artifact. Where the connection breaks, it goes on at the byte, of the same artifact; at the end the
 * SHA-256 must be the one that was catalogued, or it fails with `digest_mismatch`: believe nothing before the end. One
 * that was replaced meanwhile fails with `precondition_failed`.
 */
export async function* download(
  context: RunContext,
  path: string,
  { onProgress, ...call }: DownloadOptions,
): AsyncGenerator<Chunk> {
  const address = artifactAddress(context, path)
  const response = await context.transport.send(address, call)
  const total = Number(response.headers.get('content-length') ?? 0)
  const digest = response.headers.get('repr-digest')
  const hash = context.digests.begin()
  let taken = 0
  for await (const chunk of acrossBreaks(context.transport, address, response, call)) {
    taken += chunk.length
    hash.update(chunk)
    onProgress?.({ sent: taken, total })
    yield chunk
  }
  if (digest === null || digest === digestField(hash.hex())) return
  throw new LadingError(
    'digest_mismatch',
    `${path}: the bytes that came have another SHA-256; fetch it again`,
  )
}

async function* acrossBreaks(
  transport: Transport,
  address: string,
  first: Response,
  call: { readonly signal?: AbortSignal },
): AsyncGenerator<Chunk> {
  const { retries = 5 } = transport.options
  const etag = first.headers.get('etag') ?? ''
  let response = first
  let taken = 0
  for (let failures = 0; ; ) {
    try {
      for await (const chunk of chunksOf(response.body ?? new ReadableStream())) {
        taken += chunk.length
        failures = 0
        yield chunk
      }
      return
    } catch (error) {
      if (call.signal?.aborted || ++failures > retries) throw error
      await transport.pause(failures, call.signal)
      const headers = { range: `bytes=${taken}-`, 'if-match': etag }
      response = await transport.send(address, { ...call, headers })
      if (response.status !== 206) throw error
    }
  }
}
