/** What `work` makes of each, in their order, while up to `most` are being made. Fails as the first that fails. */
export async function* inOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = []
  for await (const item of items) {
    const result = work(item)
    // Its failure is thrown when it is its turn.
    result.catch(() => undefined)
    begun.push(result)
    if (begun.length >= most) yield await (begun.shift() as Promise<R>)
  }
  for (const result of begun) yield await result
}
