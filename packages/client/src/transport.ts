import type { Problem } from './bodies.ts'
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

  /** The answer, if it is a success. Fails with `LadingApiError`, and with `connection_failed` where no answer comes. */
  async send(path: string, call: Call = {}): Promise<Response> {
    const { retries = 5 } = this.#options
    for (let failures = 1; ; failures++) {
      const outcome = await this.#attempt(path, call)
      if (outcome instanceof Response) return outcome
      if (failures > retries || !mayRepeat(outcome.error, call)) throw outcome.error
      await this.pause(failures, call.signal, outcome.retryAfterMs)
    }
  }

  /** Without another attempt, whatever comes. Fails as `send`. */
  async once(path: string, call: Call): Promise<Response> {
    const outcome = await this.#attempt(path, call)
    if (outcome instanceof Response) return outcome
    throw outcome.error
  }

  async json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await this.send(path, call)
    try {
      return (await response.json()) as T
    } catch (cause) {
      call.signal?.throwIfAborted()
      if (!(cause instanceof SyntaxError)) throw this.#connectionFailed(cause)
      const detail = `${this.#base}: the answer is no JSON; is this a Lading server?`
      throw new LadingError('http_error', detail, { status: response.status, cause })
    }
  }

  /** A call with a JSON body. */
  post<T>(path: string, body: object, call: Call = {}): Promise<T> {
    const headers = { 'content-type': 'application/json', ...call.headers }
    return this.json<T>(path, { method: 'POST', ...call, headers, body: JSON.stringify(body) })
  }

  /** Waits before another attempt, after so many failures. */
  pause(failures: number, signal?: AbortSignal, retryAfterMs?: number): Promise<void> {
    return pause(delayBefore(failures, this.#options.retryDelayMs ?? 200, retryAfterMs), signal)
  }

  async #attempt(path: string, call: Call): Promise<Response | { error: unknown; retryAfterMs?: number }> {
    try {
      const response = await this.#fetch(path, call)
      if (response.ok) return response
      const retryAfterMs = retryAfterIn(response.headers.get('retry-after'))
      return { error: await problemIn(response), ...(retryAfterMs !== undefined && { retryAfterMs }) }
    } catch (error) {
      return { error: this.#reasonOf(error) }
    }
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
    if (!(error instanceof TypeError) || isUnreadable(error)) return error
    return error.cause instanceof LadingError ? error.cause : this.#connectionFailed(error)
  }

  /** `fetch` says "fetch failed", and its cause what happened. */
  #connectionFailed(error: unknown): LadingError {
    const { message = error, cause } = error as Partial<Error>
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : String(message)
    const detail = `${this.#base}: ${reason}`
    return new LadingError('connection_failed', detail, { retryable: true, cause: error })
  }
}

function mayRepeat(
  error: unknown,
  { method = 'GET', body, signal, repeatable = method !== 'POST' }: Call,
): boolean {
  if (signal?.aborted || body instanceof ReadableStream || !(error instanceof LadingError)) return false
  return error.retryable && (error.status !== undefined || repeatable)
}

async function problemIn(response: Response): Promise<LadingApiError> {
  const text = await response.text()
  return new LadingApiError(response.status, problemOf(text))
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
