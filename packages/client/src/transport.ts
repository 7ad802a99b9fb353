import type { Problem } from './bodies.ts'
import { chunksOf } from './chunks.ts'
import { LadingApiError, LadingError } from './errors.ts'
import type { CallOptions, LadingOptions } from './options.ts'
import { pause } from './pause.ts'
import { delayBefore, retryAfterIn } from './retry.ts'
import { isUnreadable } from './unreadable.ts'

export interface Call extends CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Blob | Uint8Array | string | ReadableStream | undefined
  /** Whether it may be sent again when nobody knows what became of it. By default, unless it is a POST. */
  readonly repeatable?: boolean
}

/** Sends requests, again where that may help, and turns refusals into errors. */
export class Transport {
  readonly #options: LadingOptions
  readonly #base: string

  constructor(options: LadingOptions) {
    this.#options = options
    this.#base = options.url.replace(/\/+$/, '')
  }

  get options(): LadingOptions {
    return this.#options
  }

  /**
   * What `read` makes of the answer, if it is a success. Fails with `LadingApiError`, with `connection_failed` where no
   * whole answer comes, and with `http_error` for one that cannot be read.
   */
  async send<T = Response>(path: string, call: Call = {}, read: Read<T> = whatCame): Promise<T> {
    const { retries = 5 } = this.#options
    for (let failures = 1; ; failures++) {
      try {
        return await this.once(path, call, read)
      } catch (error) {
        if (failures > retries || !mayRepeat(error, call)) throw error
        await this.pauseAfter(error, failures, call.signal)
      }
    }
  }

  /** Without another attempt, whatever comes. Fails as `send`. */
  async once<T = Response>(path: string, call: Call, read: Read<T> = whatCame): Promise<T> {
    try {
      const response = await this.#fetch(path, call)
      if (!response.ok) throw await refusalIn(response)
      return await read(response)
    } catch (error) {
      throw this.#reasonOf(error)
    }
  }

  json<T>(path: string, call: Call = {}): Promise<T> {
    return this.send(path, call, async (response) => (await response.json()) as T)
  }

  /** The bytes of an answer as they come. Fails with `connection_failed` where they end early. */
  async *chunks({ body }: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      if (body !== null) yield* chunksOf(body)
    } catch (error) {
      throw this.#reasonOf(error)
    }
  }

  /** A call with a JSON body. */
  post<T>(path: string, body: object, call: Call = {}): Promise<T> {
    const headers = { 'content-type': 'application/json', ...call.headers }
    return this.json<T>(path, { method: 'POST', ...call, headers, body: JSON.stringify(body) })
  }

  /** Waits before another attempt, of which so many have failed, the last one with `error`. */
  pauseAfter(error: unknown, failures: number, signal?: AbortSignal): Promise<void> {
    const retryAfterMs = error instanceof LadingApiError ? error.retryAfterMs : undefined
    return pause(delayBefore(failures, this.#options.retryDelayMs ?? 200, retryAfterMs), signal)
  }

  #fetch(path: string, { method = 'GET', headers = {}, body, signal }: Call): Promise<Response> {
    const { tenant, apiKey, fetch = globalThis.fetch } = this.#options
    return fetch(`${this.#base}${path}`, {
      method,
      headers: {
        ...(tenant !== undefined && { 'x-tenant-id': tenant }),
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      // A request whose body is a stream is sent before its answer is read, as all of HTTP/1.1.
      ...(body instanceof ReadableStream && { duplex: 'half' }),
      ...(signal !== undefined && { signal }),
    } as RequestInit)
  }

  /** A `TypeError` is what `fetch` fails with where no answer comes, and where it cannot read what it is to send. */
  #reasonOf(error: unknown): unknown {
    if (error instanceof SyntaxError) {
      const detail = `${this.#base}: the answer is no JSON; is this a Lading server?`
      return new LadingError('http_error', detail, { cause: error })
    }
    if (!(error instanceof TypeError) || isUnreadable(error)) return error
    if (error.cause instanceof LadingError) return error.cause
    // `fetch` says "fetch failed", and its cause what happened.
    const { message } = error.cause instanceof Error && error.cause.message !== '' ? error.cause : error
    const detail = `${this.#base}: ${message}`
    return new LadingError('connection_failed', detail, { retryable: true, cause: error })
  }
}

type Read<T> = (response: Response) => T | Promise<T>

function whatCame<T>(response: Response): T {
  return response as T
}

function mayRepeat(
  error: unknown,
  { method = 'GET', body, signal, repeatable = method !== 'POST' }: Call,
): boolean {
  if (signal?.aborted || body instanceof ReadableStream || !(error instanceof LadingError)) return false
  return error.retryable && (error.status !== undefined || repeatable)
}

async function refusalIn(response: Response): Promise<LadingApiError> {
  const retryAfterMs = retryAfterIn(response.headers.get('retry-after'))
  return new LadingApiError(response.status, problemOf(await response.text()), retryAfterMs)
}

/** Nothing, of what is no problem document: the page of a proxy. */
function problemOf(text: string): Partial<Problem> {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Partial<Problem>) : {}
  } catch {
    return {}
  }
}
