import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type RenderedModule, rolldown } from 'rolldown'
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

/** The modules of the package that are left of it for who imports only this, by their file names. */
async function bundledFor(name: string, entry: string): Promise<string[]> {
  const input = 'what-uses-it'
  const text = `import { ${name} } from ${JSON.stringify(join(built.folder, entry))}; console.log(${name})`
  const bundle = await rolldown({
    input,
    external: [/^node:/, 'ignore'],
    plugins: [
      {
        name: input,
        resolveId: (id) => (id === input ? id : null),
        load: (id) => (id === input ? text : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm' })
  const modules: [string, RenderedModule][] = Object.entries(output[0].modules)
  const used = modules.filter(([id, { renderedLength }]) => id !== input && renderedLength > 0)
  return used.map(([id]) => basename(id, '.js')).sort()
}

test('a bundle holds what is imported, and nothing else of the package', async () => {
  expect(await bundledFor('LadingError', 'browser.js')).toEqual(['errors'])
  expect(await bundledFor('fileAt', 'node.js')).toEqual(['errors', 'file-at', 'settled'])
  expect(await bundledFor('filesIn', 'node.js')).not.toContain('transport')
  expect(await bundledFor('connect', 'browser.js')).not.toContain('node-digests')
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
