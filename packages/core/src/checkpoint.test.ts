import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { CHECKPOINTS } from './checkpoint.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

test('each checkpoint of the list is passed in one place of the code, and no other is', () => {
  const passed = globSync('{apps,packages}/*/src/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] }).flatMap(
    (file) =>
      Array.from(
        readFileSync(resolve(ROOT, file), 'utf8').matchAll(/\bcheckpoint\('([^']+)'\)/g),
        ([, name]) => name,
      ),
  )
  expect(passed.sort()).toEqual([...CHECKPOINTS].sort())
})
