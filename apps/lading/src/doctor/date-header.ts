const TIMEOUT_MS = 5_000

/**
 * Milliseconds by which the clock of a web server is ahead of this machine's, to a second, by the `Date` of its answer,
 * whatever the answer is. Undefined: there was none.
 */
export async function dateOf(url: string): Promise<number | undefined> {
  const askedAt = Date.now()
  const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    () => undefined,
  )
  return response === undefined ? undefined : aheadOf(response, (askedAt + Date.now()) / 2)
}

/** `Date` has whole seconds, cut off: on average it is half a second behind. */
export function aheadOf(response: Response, nowMs: number): number | undefined {
  const date = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(date) ? undefined : date + 500 - nowMs
}
