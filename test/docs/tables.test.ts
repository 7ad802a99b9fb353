import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../architecture/workspaces.ts'
import { readTable } from './page.ts'
import { TABLES } from './tables.ts'

test.each(Object.entries(TABLES))(
  '%s lists what there is in the code, and nothing else',
  async (page, make) => {
    expect(await readTable(page), `\`npm run docs\` writes ${page} anew`).toBe(await make())
  },
)

test('no metric of the code is left out, wherever it is registered', async () => {
  const names = globSync('apps/*/src/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] }).flatMap((file) =>
    Array.from(readFileSync(join(ROOT, file), 'utf8').matchAll(/'(lading_[a-z_]+)'/g), ([, name]) => name),
  )
  const table = await readTable('docs/metrics.md')
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((name) => !table.includes(`\`${name}\``))).toEqual([])
})
