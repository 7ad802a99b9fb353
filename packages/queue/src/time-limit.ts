import { LadingError } from '@lading/protocol'

/**
 * The result of `work`, or `queue_unavailable` when it fails or has not ended after `ms` milliseconds. BullMQ has no
 * limit of its own: `queue.add` waits for ever for a server that was never there.
 */
export async function withinLimit<T>(ms: number, what: string, work: () => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(unavailable(`${what}: the queue's server did not answer within ${ms} ms`)),
    ms,
  )
  const working = work()
  // Once the limit has passed nobody waits for the work any more; its failure was told as the time-out.
  working.catch(() => undefined)
  try {
    return await Promise.race([working, late.promise])
  } catch (error) {
    if (error instanceof LadingError) throw error
    throw unavailable(`${what}: ${error instanceof Error ? error.message : String(error)}`, error)
  } finally {
    clearTimeout(timer)
  }
}

function unavailable(detail: string, cause?: unknown): LadingError {
  return new LadingError(
    'queue_unavailable',
    `${detail}; check that the server runs and that its address is right`,
    {
      cause,
    },
  )
}
