import { LadingError } from '@lading/protocol'

/**
 * A store may refuse a large body by its headers alone, answer, and close the connection while the body is still being
 * sent; the reset that follows takes the answer with it (RFC 9112, 9.6). So that "no such upload" does not pass for a
 * network that is down, `ask` sends a request without a body that is refused for the same reason.
 */
export async function orEarlyRefusal<T>(call: Promise<T>, ask: () => Promise<unknown>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (isReset(error)) await throwRefusal(ask)
    throw error
  }
}

async function throwRefusal(ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask()
  } catch (error) {
    const isAnswer = !(error instanceof LadingError) || error.code !== 'store_unavailable'
    if (isAnswer) throw error
  }
}

function isReset(error: unknown): boolean {
  if (!(error instanceof LadingError)) return false
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code
  return code === 'ECONNRESET' || code === 'EPIPE'
}
