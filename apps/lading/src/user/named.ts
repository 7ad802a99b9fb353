import { LadingError } from '@lading/client'

/**
 * A refusal that names what was given. The server names the field instead (`path: the run has no …`), as one request
 * has one value of it.
 */
export function named(error: LadingError, name: string): LadingError {
  const { code, status, retryable } = error
  const detail = error.detail.replace(FIELD, '')
  if (error.detail.includes(name) && detail === error.detail) return error
  return new LadingError(code, `${name}: ${detail}`, {
    ...(status !== undefined && { status }),
    retryable,
    cause: error,
  })
}

const FIELD = /^(?:path|recursive): /

/** Does `work`, and names what it was refused for. */
export async function naming<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof LadingError && error.status !== undefined ? named(error, name) : error
  }
}
