import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EXIT_CODES } from '../../apps/lading/src/exit-codes.ts'
import { ROOT } from '../architecture/workspaces.ts'

const page = readFileSync(join(ROOT, 'docs', 'cli.md'), 'utf8')

test('the page of the command lists every exit code that there is', () => {
  const listed = Array.from(page.matchAll(/^- `(\d+)` (.+)$/gm), ([, code, about]) => `${code} ${about}`)
  expect(listed).toEqual(Object.values(EXIT_CODES).map(({ code, about }) => `${code} ${about}`))
})
