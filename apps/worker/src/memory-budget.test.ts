import { setImmediate as turn } from 'node:timers/promises'
import { BLOCK_SIZE } from '@lading/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Loan, MemoryBudget } from './memory-budget.ts'

const MIB = 1024 * 1024
const never = new AbortController().signal

type Step =
  | { readonly do: 'borrow'; readonly bytes: number }
  | { readonly do: 'release' | 'abort'; readonly which: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('borrow' as const),
      bytes: fc.oneof(
        fc.integer({ min: 0, max: MIB }),
        fc.integer({ min: 4 * MIB, max: 8 * MIB }),
        fc.constant(BLOCK_SIZE),
      ),
    }),
    fc.record({ do: fc.constantFrom('release' as const, 'abort' as const), which: fc.nat() }),
  ),
  { maxLength: 40 },
)

test('whatever is borrowed, given back and given up: the bound holds, first come is first served, all get theirs', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 8, max: 40 }), async (script, totalMib) => {
      const total = totalMib * MIB
      const budget = new MemoryBudget(total)
      const loans: Loan[] = []
      const granted: number[] = []
      const waiting = new Map<number, AbortController>()
      let asked = 0
      const check = () => {
        expect(budget.lent).toBeGreaterThanOrEqual(loans.reduce((sum, loan) => sum + loan.buffer.length, 0))
        expect(budget.held).toBeLessThanOrEqual(total)
        expect(granted).toEqual(granted.toSorted((a, b) => a - b))
      }
      for (const step of script) {
        if (step.do === 'borrow') {
          const number = asked++
          const aborter = new AbortController()
          waiting.set(number, aborter)
          budget.borrow(step.bytes, aborter.signal).then(
            (loan) => {
              expect(loan.buffer).toHaveLength(step.bytes)
              waiting.delete(number)
              granted.push(number)
              loans.push(loan)
            },
            () => waiting.delete(number),
          )
        } else if (step.do === 'release')
          loans.splice(step.which % Math.max(1, loans.length), 1)[0]?.release()
        else [...waiting.values()][step.which % Math.max(1, waiting.size)]?.abort(new Error('given up'))
        await turn()
        check()
      }
      while (loans.length > 0) {
        loans.shift()?.release()
        await turn()
        check()
      }
      expect(waiting.size).toBe(0)
      expect(budget.lent).toBe(0)
    }),
    { numRuns: 60 },
  )
})

test('a loan that is larger than the whole budget is given when nothing else is lent, and bounds those after it', async () => {
  const budget = new MemoryBudget(8 * MIB)
  const small = await budget.borrow(10, never)
  const order: string[] = []
  const large = budget.borrow(16 * MIB, never).then((loan) => {
    order.push('large')
    return loan
  })
  const after = budget.borrow(10, never).then((loan) => {
    order.push('after')
    return loan
  })
  await turn()
  expect(order).toEqual([])
  small.release()
  expect((await large).buffer).toHaveLength(16 * MIB)
  await turn()
  expect(order).toEqual(['large'])
  ;(await large).release()
  ;(await after).release()
  expect(budget.lent).toBe(0)
})

test('a loan given back twice counts once', async () => {
  const budget = new MemoryBudget(16 * MIB)
  const [first, second] = [await budget.borrow(BLOCK_SIZE, never), await budget.borrow(BLOCK_SIZE, never)]
  first.release()
  first.release()
  expect(budget.lent).toBe(BLOCK_SIZE)
  second.release()
  expect(budget.lent).toBe(0)
})

test('two loans never share a buffer', async () => {
  const budget = new MemoryBudget(64 * MIB)
  const seen = new Set<ArrayBufferLike>()
  for (let i = 0; i < 3; i++) (await budget.borrow(BLOCK_SIZE, never)).release()
  for (let i = 0; i < 4; i++) seen.add((await budget.borrow(BLOCK_SIZE - i, never)).buffer.buffer)
  expect(seen.size).toBe(4)
})

test('who has given up beforehand gets nothing', async () => {
  const budget = new MemoryBudget(MIB)
  await expect(budget.borrow(1, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  expect(budget.lent).toBe(0)
})
