import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ahead } from './ahead.ts'

const NEVER = new AbortController().signal

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

test('results come in the order of their items, in whatever order they are ready, within the limits', async () => {
  const weights = fc.array(fc.nat(10), { maxLength: 50 })
  const property = fc.asyncProperty(weights, fc.scheduler(), async (items, scheduler) => {
    let [count, weight] = [0, 0]
    const work = async (item: number) => {
      count++
      weight += item
      // The last one begun may go beyond the weight, and no further one is begun then.
      expect(count).toBeLessThanOrEqual(4)
      expect(weight - item).toBeLessThan(20)
      return await scheduler.schedule(Promise.resolve(item))
    }
    const taken: number[] = []
    const taking = (async () => {
      for await (const item of ahead(
        from(items),
        { weightOf: (item) => item, work },
        { count: 4, weight: 20 },
        NEVER,
      )) {
        taken.push(item)
        count--
        weight -= item
      }
    })()
    await scheduler.waitFor(taking)
    expect(taken).toEqual(items)
  })
  await fc.assert(property, { numRuns: 100 })
})

test('leaving early aborts what was begun, waits for it, and closes where the items come from', async () => {
  const ended: string[] = []
  async function* items() {
    try {
      for (let item = 0; ; item++) yield item
    } finally {
      ended.push('items')
    }
  }
  const work = async (item: number, signal: AbortSignal) => {
    if (item === 0) return item
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => setImmediate(resolve)))
    ended.push(`work ${item}`)
    return item
  }
  for await (const _ of ahead(items(), { weightOf: () => 1, work }, { count: 3, weight: 100 }, NEVER)) break
  expect(ended).toEqual(['work 1', 'work 2', 'items'])
})

test('the first error in the order of the items is the one that counts', async () => {
  const work = async (item: number) => {
    if (item > 0) throw new Error(`item ${item}`)
    return item
  }
  const taken: number[] = []
  const taking = async () => {
    for await (const item of ahead(
      from([0, 1, 2, 3]),
      { weightOf: () => 1, work },
      { count: 4, weight: 9 },
      NEVER,
    )) {
      taken.push(item)
    }
  }
  await expect(taking()).rejects.toThrow('item 1')
  expect(taken).toEqual([0])
})
