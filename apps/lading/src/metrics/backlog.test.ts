import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { countBacklog } from './backlog.ts'

const ROW = { route: 'spool-a', state: 'ready', items: 3, bytes: 4096, oldestAgeMs: 1500 } as const

test('the scrape that asks gets the backlog of now, in all three gauges', async () => {
  let items = 3
  const registry = measuring(async () => [{ ...ROW, items }])
  expect(await registry.metrics()).toContain('lading_backlog_items{route="spool-a",state="ready"} 3')
  items = 5
  const text = await registry.metrics()
  expect(text).toContain('lading_backlog_items{route="spool-a",state="ready"} 5')
  expect(text).toContain('lading_backlog_bytes{route="spool-a",state="ready"} 4096')
  expect(text).toContain('lading_backlog_oldest_seconds{route="spool-a",state="ready"} 1.5')
})

test('a scrape looks once', async () => {
  let looks = 0
  const registry = measuring(async () => {
    looks++
    return [ROW]
  })
  await registry.metrics()
  expect(looks).toBe(1)
})

test('a route that was worked off is no longer shown', async () => {
  const rows = [[ROW], []]
  const registry = measuring(async () => rows.shift() ?? [])
  await registry.metrics()
  expect(await registry.metrics()).not.toContain('route="spool-a"')
})

test('while Postgres is away the other metrics are served, the backlog is not, and the log says why', async () => {
  const warnings: unknown[] = []
  const registry = measuring(
    () => Promise.reject(new Error('no route to host')),
    (fields) => warnings.push(fields),
  )
  const text = await registry.metrics()
  expect(text).toContain('# HELP lading_backlog_items')
  expect(text).not.toMatch(/^lading_backlog/m)
  expect(warnings).toEqual([{ err: new Error('no route to host') }])
})

type Depth = Parameters<typeof countBacklog>[0]['delivery']['backlog']['depth']

function measuring(depth: Depth, warn: (fields: unknown) => void = () => undefined): Registry {
  const registry = new Registry()
  countBacklog({ delivery: { backlog: { depth } } }, registry, { warn })
  return registry
}
