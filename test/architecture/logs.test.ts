import { expect, test } from 'vitest'
import { filesWith } from './files-with.ts'

test('every log is made in the one place that crosses out secrets: createLog()', () => {
  expect(filesWith(/\bpino\(/)).toEqual(['apps/lading/src/log/create-log.ts'])
})
