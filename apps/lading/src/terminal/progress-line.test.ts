import { expect, test } from 'vitest'
import { progressLine } from './progress-line.ts'

const MIB = 2 ** 20
const HALF = { files: 1, filesTotal: 2, bytes: 50 * MIB, bytesTotal: 100 * MIB, failed: 0 }

test('a line says how much is there, how quickly it goes, and how long still', () => {
  expect(progressLine(HALF, 10 * MIB, 80)).toBe(
    '1/2 files  50%  50.0 MiB of 100.0 MiB  10.0 MiB/s  0:05 left',
  )
})

test('there is a bar where there is room for it', () => {
  expect(progressLine(HALF, undefined, 120)).toMatch(/^\[#{10}\.{10}\] {2}1\/2 files/)
})

test('failures are counted', () => {
  expect(progressLine({ ...HALF, failed: 3 }, undefined, 80)).toMatch(/3 failed$/)
})

test('of what has no known end, it says what there is', () => {
  const stream = { files: 0, filesTotal: undefined, bytes: 3 * MIB, bytesTotal: undefined, failed: 0 }
  expect(progressLine(stream, MIB, 80)).toBe('0 files  3.0 MiB  1.0 MiB/s')
})

test('nothing is foreseen of what has only begun', () => {
  expect(progressLine({ ...HALF, bytes: 0 }, 1, 80)).not.toContain('left')
})

test.each([
  [40, '1/2 files  50%  1.0 MiB/s  0:50 left'],
  [28, '1/2 files  50%  0:50 left'],
  [20, '1/2 files  50%'],
  [5, '50%'],
  [2, '50'],
  [-3, ''],
])('in %i columns it says what has room, and no half of a figure', (columns, line) => {
  expect(progressLine(HALF, MIB, columns)).toBe(line)
})
