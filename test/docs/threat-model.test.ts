import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRoutes } from '../../apps/api/src/server.ts'
import { SETTINGS } from '../../apps/lading/src/settings/table.ts'
import { ROOT } from '../architecture/workspaces.ts'

/** That the files which it names are there, `names.test.ts` sees to. */
const page = readFileSync(join(ROOT, 'docs', 'threat-model.md'), 'utf8')

test('the threat model says who may use every family of addresses', () => {
  const routes = createRoutes({ config: { limits: {} } } as never)
  const families = new Set(routes.map(({ operation }) => operation.tag))
  expect([...families].filter((family) => !page.includes(family))).toEqual([])
})

test('the threat model names every address that asks for no key', () => {
  const open = createRoutes({ config: { limits: {} } } as never).filter(
    ({ operation }) => operation.permission === 'public',
  )
  const unnamed = open.filter(
    ({ method, path }) => !page.includes(`\`${path}\``) && !page.includes(`\`${method}\` of`),
  )
  expect(unnamed.map(({ method, path }) => `${method} ${path}`)).toEqual([])
})

test('the threat model names every setting that decides who is let in, and to how much', () => {
  const deciding = Object.keys(SETTINGS).filter((name) =>
    /^LADING_(AUTH|ALLOW|CORS|JWT|TOKEN|METRICS_TOKEN|HOST|QUOTA|DEFAULT_TENANT|ARTIFACT_ROOTS)/.test(name),
  )
  expect(deciding.length).toBeGreaterThan(4)
  const families = Array.from(page.matchAll(/`(LADING_[A-Z_]+_)\*`/g), ([, prefix = '']) => prefix)
  const named = (name: string) => page.includes(name) || families.some((prefix) => name.startsWith(prefix))
  expect(
    deciding.filter((name) => !named(name)),
    'say in docs/threat-model.md what it lets in',
  ).toEqual([])
})

test('the threat model shows every threat by a test', () => {
  const rows =
    (page.split('## Threats')[1] ?? '').split('## Accepted')[0]?.match(/^\| (?!Threat|---).*$/gm) ?? []
  expect(rows.length).toBeGreaterThan(15)
  expect(rows.filter((row) => !/`[\w./-]+\.ts` *(,|\|$)/.test(row))).toEqual([])
})
