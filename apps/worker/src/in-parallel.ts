/**
 * Runs `work` over the items, `limit` at a time, and takes the next item only when there is room for it. Rejects with
 * the first error, after those under way have ended.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failed = false
  const lane = async () => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      try {
        await work(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: limit }, lane))
  for (const lane of ended) if (lane.status === 'rejected') throw lane.reason
}
