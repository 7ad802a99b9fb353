import { LadingError } from '@lading/client'
import { endingOf } from '../endings.ts'
import { PartialFailure } from '../partial-failure.ts'
import { tell } from '../tell.ts'
import { named } from './named.ts'

/**
 * Does `work` for each, up to `most` at once, also after one was refused. Fails with that refusal where none succeeded,
 * and with a `PartialFailure` where some did, after naming those that did not. What may pass (the server is away) ends it
 * at once.
 */
export async function forEvery<T>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<void>,
  name: (item: T) => string,
  most = 1,
): Promise<void> {
  const refusals: LadingError[] = []
  let done = 0
  const attempt = async (item: T) => {
    try {
      await work(item)
      done += 1
    } catch (error) {
      if (!(error instanceof LadingError) || error.retryable) throw error
      refusals.push(named(error, name(item)))
    }
  }
  await inLanes(items, most, attempt)
  const [first, ...others] = refusals
  if (first === undefined) return
  for (const refusal of done === 0 ? others : refusals) tell(endingOf(refusal))
  if (done === 0) throw first
  throw new PartialFailure(`${refusals.length} of ${done + refusals.length} failed`)
}

/** After a failure no lane begins another item; it is thrown when all have ended theirs. */
async function inLanes<T>(
  items: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = iteratorOf(items)
  let failed = false
  const lane = async () => {
    try {
      for (let next = await iterator.next(); !next.done && !failed; next = await iterator.next())
        await work(next.value)
    } catch (error) {
      failed = true
      throw error
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: most }, lane))
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
}

async function* iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items
}
