export interface AheadLimits {
  /** Results that are under way or wait to be taken. */
  readonly count: number
  /** The sum of their weights, after which no further one is begun. */
  readonly weight: number
}

/**
 * Works on the items ahead of whoever takes the results, which come in the order of the items. Rejects with the first
 * error in that order. Ends only after all that was begun has ended; leaving early aborts it.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T>,
  { weightOf, work }: { weightOf: (item: T) => number; work: (item: T, signal: AbortSignal) => Promise<R> },
  limits: AheadLimits,
  signal: AbortSignal,
): AsyncGenerator<R> {
  const left = new AbortController()
  const either = AbortSignal.any([signal, left.signal])
  const begun: { readonly weight: number; readonly result: Promise<R> }[] = []
  const source = items[Symbol.asyncIterator]()
  let weight = 0
  let exhausted = false
  try {
    for (;;) {
      while (!exhausted && begun.length < limits.count && weight < limits.weight) {
        const next = await source.next()
        if (next.done) exhausted = true
        else {
          const added = { weight: weightOf(next.value), result: work(next.value, either) }
          // It is awaited when its turn comes, or never, when another fails before.
          added.result.catch(() => undefined)
          begun.push(added)
          weight += added.weight
        }
      }
      const head = begun[0]
      if (head === undefined) return
      yield await head.result
      begun.shift()
      weight -= head.weight
    }
  } finally {
    left.abort()
    await Promise.allSettled(begun.map(({ result }) => result))
    await source.return?.()
  }
}
