import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from './fixtures/built-package.ts'

let built: Awaited<ReturnType<typeof buildPackage>>

beforeAll(async () => {
  built = await buildPackage()
})

afterAll(() => built?.[Symbol.asyncDispose]())

/** Every module that is loaded with `entry`, and what each imports that is no file of the package. */
async function loadedWith(entry: string): Promise<{ files: Set<string>; packages: string[] }> {
  const files = new Set([join(built.folder, entry)])
  const packages: string[] = []
  for (const file of files) {
    for (const [, name = ''] of (await readFile(file, 'utf8')).matchAll(
      /(?:from|import)\s*\(?\s*'([^']+)'/g,
    )) {
      if (name.startsWith('.')) files.add(resolve(dirname(file), name))
      else packages.push(name)
    }
  }
  return { files, packages }
}

test('a browser loads nothing of Node, and no other package', async () => {
  const { files, packages } = await loadedWith('browser.js')
  expect(packages).toEqual([])
  expect(files.size).toBeGreaterThan(20)
})

test('Node loads one other package, and Node itself', async () => {
  const { packages } = await loadedWith('node.js')
  expect(packages).toContain('node:crypto')
  expect(packages.filter((name) => !name.startsWith('node:'))).toEqual(['ignore'])
})

test.each([
  { program: 'publint', args: ['--strict', '.'], says: 'All good' },
  { program: 'attw', args: ['--pack', '.', '--profile', 'esm-only'], says: '(ESM)' },
])('$program finds nothing wrong with what is published', ({ program, args, says }) => {
  const path = resolve(import.meta.dirname, '../../../node_modules/.bin', program)
  const { status, stdout, stderr } = spawnSync(path, args, { cwd: built.folder, encoding: 'utf8' })
  expect(status, `${stdout}${stderr}`).toBe(0)
  expect(stdout).toContain(says)
})
