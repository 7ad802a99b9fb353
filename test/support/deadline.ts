import { setTimeout as delay } from 'node:timers/promises'

export interface UntilOptions {
  /** Milliseconds; a limit for what is broken, far above what a sound system takes. */
  readonly within: number
  /** Milliseconds between two looks. */
  readonly every?: number
}

/**
 * Looks again and again until the predicate gives something truthy, and returns that. A predicate that throws is one that is not
 * true yet; when the time is up its last error is the cause of the failure.
 */
export async function until<T>(
  predicate: () => T | Promise<T>,
  { within, every = 20 }: UntilOptions,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const end = performance.now() + within
  for (;;) {
    const seen = await look(predicate)
    if (seen.value) return seen.value as Exclude<T, false | null | undefined | 0 | ''>
    if (performance.now() >= end) {
      const what =
        seen.error === undefined ? `it was ${JSON.stringify(seen.value)}` : `it failed: ${String(seen.error)}`
      throw new Error(`Not so within ${within} ms: ${predicate.toString()}; at last ${what}`, {
        cause: seen.error,
      })
    }
    await delay(every)
  }
}

async function look<T>(predicate: () => T | Promise<T>): Promise<{ value?: T; error?: unknown }> {
  try {
    return { value: await predicate() }
  } catch (error) {
    return { error: error ?? new Error('nothing was thrown') }
  }
}
