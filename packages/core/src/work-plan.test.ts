import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_WORK_LIMITS, planWork } from './work-plan.ts'

const MIB = 1024 * 1024
const sizes = fc.array(
  fc
    .oneof(fc.integer({ min: 0, max: 64 * 1024 }), fc.integer({ min: 0, max: 64 * MIB }))
    .map((size) => ({ size })),
  { maxLength: 300 },
)
const limits = fc.record({
  files: fc.integer({ min: 1, max: 60 }),
  bytes: fc.integer({ min: 1, max: 32 * MIB }),
})

test('every file is in one work item, within the limits; small files keep their order', () => {
  fc.assert(
    fc.property(sizes, limits, (files, { files: most, bytes: mostBytes }) => {
      const planned = planWork(files, { files: most, bytes: mostBytes })
      const all = planned.flatMap((work) => work.files)
      expect(all).toHaveLength(files.length)
      expect(new Set(all)).toEqual(new Set(files))
      const isSmall = (file: { size: number }) => file.size < mostBytes
      expect(all.filter(isSmall)).toEqual(files.filter(isSmall))
      for (const work of planned) {
        expect(work.files.length).toBeGreaterThan(0)
        expect(work.files.length).toBeLessThanOrEqual(most)
        expect(work.bytes).toBe(work.files.reduce((sum, file) => sum + file.size, 0))
        if (work.files.length > 1) expect(work.bytes).toBeLessThanOrEqual(mostBytes)
      }
    }),
  )
})

test('a large file goes by itself, and does not split the small ones around it', () => {
  const small = { size: 10 }
  const large = { size: DEFAULT_WORK_LIMITS.bytes }
  expect(planWork([small, large, small]).map((work) => work.files)).toEqual([[small, small], [large]])
})

test('no files are no work', () => {
  expect(planWork([])).toEqual([])
})
