import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../architecture/workspaces.ts'

const PAGES = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })

/** Folders of the repository, by which a path in running text is known for one. */
const PATH = /^(?:apps|packages|test|docs|\.ci)\/[\w./@-]+$/

test.each(PAGES)('every file that %s names is there', (page) => {
  const text = prose(page)
  const named = spans(text).filter((span) => PATH.test(span))
  const linked = Array.from(text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g), ([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => relative(ROOT, join(ROOT, dirname(page), target)))
  expect([...named, ...linked].filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test.each(PAGES)('every function that %s names is in the code', (page) => {
  const named = spans(prose(page)).flatMap((span) => /^(?:\w+\.)*(\w+)\(\)$/.exec(span)?.[1] ?? [])
  const missing = named.filter((name) => !new RegExp(`\\b${name}\\b\\s*[(<:=?]`).test(code))
  expect(missing).toEqual([])
})

test('every page of the docs is found from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const [, target = ''] of prose(page).matchAll(/\]\(([^)#\s]+\.md)[^)]*\)/g))
      if (!/^[a-z]+:/.test(target)) reached.add(relative(ROOT, join(ROOT, dirname(page), target)))
  }
  const astray = PAGES.filter((page) => !reached.has(page))
  expect(astray, 'link it from README.md, or from a page that is').toEqual([])
})

const code = globSync(['apps/*/src/**/*.ts', 'packages/*/src/**/*.ts', 'test/**/*.ts'], { cwd: ROOT })
  .map((file) => readFileSync(join(ROOT, file), 'utf8'))
  .join('\n')

/** Without what stands in fences. */
function prose(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8').replace(/^```.*?^```$/gms, '')
}

function spans(text: string): string[] {
  return Array.from(text.matchAll(/`([^`\n]+)`/g), ([, span = '']) => span)
}
