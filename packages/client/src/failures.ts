import type { Problem } from './bodies.ts'
import { LadingApiError, LadingError } from './errors.ts'
import { retryAfterIn } from './retry.ts'
import { isUnreadable } from './unreadable.ts'

/** What the server at `base` answered instead of a success. */
export async function refusalIn(response: Response, base: string): Promise<LadingError> {
  const { status, headers, type } = response
  // Browsers tell nothing of where they were sent.
  if (type === 'opaqueredirect' || (status >= 300 && status < 400))
    return sentElsewhere(base, headers.get('location'))
  const problem = problemIn(await response.text()) ?? {
    detail: `${base}: the answer was ${status}${FOREIGN}`,
  }
  return new LadingApiError(status, problem, retryAfterIn(headers.get('retry-after')))
}

const FOREIGN = ', and not in the words of Lading; is this its address, and what stands in between?'

/** It is not followed: `fetch` would make a GET of a POST, and bring the key to where nobody meant it to go. */
function sentElsewhere(base: string, location: string | null): LadingError {
  const where = location === null ? 'elsewhere' : `elsewhere, to ${location}`
  return new LadingError('http_error', `${base} sends ${where}; give the address that serves Lading itself`)
}

/** Undefined: it is no problem document, but the page of a proxy. */
function problemIn(text: string): Partial<Problem> | undefined {
  try {
    const parsed = JSON.parse(text) as Partial<Problem> | null
    return typeof parsed?.code === 'string' && typeof parsed.detail === 'string' ? parsed : undefined
  } catch {
    return undefined
  }
}

/** An answer that is a success, and not what a Lading answers. */
export function notLading(base: string, cause?: unknown): LadingError {
  return new LadingError('http_error', `${base}: the answer is not one of Lading; is this a Lading server?`, {
    cause,
  })
}

/**
 * Why a request to `base` failed. A `TypeError` is what `fetch` fails with where no answer comes, and where it cannot read
 * what it is to send.
 */
export function reasonOf(error: unknown, base: string): unknown {
  if (error instanceof SyntaxError) return notLading(base, error)
  if (!(error instanceof TypeError) || isUnreadable(error)) return error
  if (error.cause instanceof LadingError) return error.cause
  // `fetch` says "fetch failed", and its cause what happened.
  const { message } = error.cause instanceof Error && error.cause.message !== '' ? error.cause : error
  return new LadingError('connection_failed', `${base}: ${message}`, { retryable: true, cause: error })
}
