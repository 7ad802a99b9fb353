import { execFile } from 'node:child_process'
import { cp, glob, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from './fixtures/built-package.ts'
import { type ClientOfSystem, startWithClient } from './fixtures/client-of-system.ts'

const PACKAGE = resolve(import.meta.dirname, '..')

let harbour: ClientOfSystem
let built: Awaited<ReturnType<typeof buildPackage>>
let folder: string

beforeAll(async () => {
  built = await buildPackage()
  harbour = await startWithClient()
  folder = await mkdtemp(join(tmpdir(), 'lading-readme-'))
})

afterAll(async () => {
  await harbour?.system.stop()
  await built?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test('the example of the README runs with the published package, without a build of its own', async () => {
  const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8')
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const scope = join(folder, 'node_modules', '@lading')
  await mkdir(scope, { recursive: true })
  await cp(built.folder, join(scope, 'client'), { recursive: true })
  await symlink(resolve(PACKAGE, '../../node_modules/ignore'), join(scope, '..', 'ignore'))
  await mkdir(join(folder, 'evaluation'))
  await writeFile(join(folder, 'evaluation', 'recall.csv'), '0.9')
  await writeFile(join(folder, 'model.pkl'), 'a model')
  await writeFile(join(folder, 'example.mjs'), example.replace('http://localhost:8080', harbour.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: folder })
  expect(stdout.trim().split('\n')).toEqual([
    'config/model.json',
    'evaluation/recall.csv',
    'models/model.pkl',
    'reports/summary.txt',
  ])
})

test('the README names every error of the package itself', async () => {
  const codes = new Set<string>()
  for await (const file of glob('src/**/*.ts', { cwd: PACKAGE, exclude: ['**/*.test.ts'] })) {
    const text = await readFile(join(PACKAGE, file), 'utf8')
    for (const [, code = ''] of text.matchAll(/LadingError\(\s*'([a-z_]+)'/g)) codes.add(code)
  }
  const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8')
  expect(codes.size).toBeGreaterThan(5)
  expect([...codes].filter((code) => !readme.includes(`\`${code}\``))).toEqual([])
})
