/** Milliseconds that a look may take: a scrape has more to tell, and not for ever. */
const LIMIT_MS = 2_000

/** For the `collect` of several gauges: a scrape asks all of them at the same time, and that is one look. */
export function onScrape(look: () => Promise<void>): () => Promise<void> {
  let looking: Promise<void> | undefined
  return () => {
    looking ??= look().finally(() => {
      looking = undefined
    })
    return looking
  }
}

/** Rejects when there is no answer soon enough for a scrape. */
export async function withinLimit<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
