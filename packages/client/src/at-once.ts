/**
 * Does `work` for each, for up to `most` at once. The first failure ends the others by their signal, and is thrown when
 * all have ended.
 */
export async function atOnce<T>(
  items: AsyncIterable<T>,
  most: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  outer?: AbortSignal,
): Promise<void> {
  const failed = new AbortController()
  const signal = outer === undefined ? failed.signal : AbortSignal.any([outer, failed.signal])
  const iterator = items[Symbol.asyncIterator]()
  const lane = async () => {
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        signal.throwIfAborted()
        await work(next.value, signal)
      }
    } catch (error) {
      failed.abort(error)
    }
  }
  await Promise.all(Array.from({ length: most }, lane))
  await iterator.return?.()
  failed.signal.throwIfAborted()
}
