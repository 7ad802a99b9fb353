import { checkOptions } from './check-options.ts'
import { chunksOf } from './chunks.ts'
import { LadingApiError, LadingError } from './errors.ts'
import { notLading, reasonOf, refusalIn } from './failures.ts'
import type { CallOptions, LadingOptions } from './options.ts'
import { pause } from './pause.ts'
import { delayBefore } from './retry.ts'
import { StreamBody } from './stream-body.ts'

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

  /** Fails with `option_invalid`. */
  constructor(options: LadingOptions) {
    checkOptions(options)
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

  /** Without another attempt, whatever comes. Fails as `send`, and as a stream that is its body does. */
  async once<T = Response>(path: string, call: Call, read: Read<T> = whatCame): Promise<T> {
    const sent = call.body instanceof ReadableStream ? new StreamBody(call.body) : undefined
    try {
      const response = await this.#fetch(path, sent === undefined ? call : { ...call, body: sent.stream })
      if (!response.ok) throw await refusalIn(response, this.#base)
      return await read(response)
    } catch (error) {
      await sent?.giveUp()
      if (sent?.failure !== undefined && !call.signal?.aborted) throw sent.failure.reason
      throw reasonOf(error, this.#base)
    }
  }

  /** The JSON of an answer, in which at least `name` is. */
  json<T extends object>(path: string, name: keyof T & string, call: Call = {}): Promise<T> {
    return this.send(path, call, async (response) => {
      const body = (await response.json()) as Partial<T> | null
      if (body?.[name] === undefined) throw notLading(this.#base)
      return body as T
    })
  }

  /** The bytes of an answer as they come. Fails with `connection_failed` where they end early. */
  async *chunks({ body }: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      if (body !== null) yield* chunksOf(body)
    } catch (error) {
      throw reasonOf(error, this.#base)
    }
  }

  /** A call with a JSON body. */
  post<T extends object>(path: string, name: keyof T & string, body: object, call: Call = {}): Promise<T> {
    const headers = { 'content-type': 'application/json', ...call.headers }
    return this.json<T>(path, name, { method: 'POST', ...call, headers, body: JSON.stringify(body) })
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
      redirect: 'manual',
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
  return error.retryable && (repeatable || isUndone(error))
}

/** Whether nothing was done. A proxy that gave up waiting does not know what the server did. */
function isUndone({ code, status }: LadingError): boolean {
  return status !== undefined && !(code === 'http_error' && [500, 502, 504].includes(status))
}
