/** Long enough for a slow store, short enough for a stop (milliseconds). */
const CLEAN_UP_MS = 10_000

/** Clears up after work that failed, even when it was aborted; its own error is the one that counts. */
export async function clearedOnFailure<T>(
  work: () => Promise<T>,
  clear: (signal: AbortSignal) => Promise<void>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await Promise.allSettled([clear(AbortSignal.timeout(CLEAN_UP_MS))])
    throw error
  }
}

/** Clears up in any case. */
export async function cleared<T>(
  work: () => Promise<T>,
  clear: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<T> {
  const result = await clearedOnFailure(work, clear)
  await clear(signal)
  return result
}
