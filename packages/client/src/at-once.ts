import { orAborted } from './or-aborted.ts'

/**
 * Does `work` for each, for up to `most` at once. The first failure ends the others by their signal, and is thrown when
 * all have ended; `items` is told that no more are wanted.
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
  const next = () => orAborted(iterator.next(), signal)
  const lane = async () => {
    try {
      for (let item = await next(); item.done !== true; item = await next()) await work(item.value, signal)
    } catch (error) {
      failed.abort(error)
    }
  }
  await Promise.all(Array.from({ length: most }, lane))
  const closed = iterator.return?.()
  // One that waits for what never comes is not waited for; what made this fail is thrown.
  if (signal.aborted) closed?.catch(() => undefined)
  else await closed
  failed.signal.throwIfAborted()
}
