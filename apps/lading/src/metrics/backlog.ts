import type { Catalog } from '@lading/catalog'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { onScrape, withinLimit } from './on-scrape.ts'

type Needs = { readonly delivery: { readonly backlog: Pick<Catalog['delivery']['backlog'], 'depth'> } }

/**
 * Gauges of the backlog, read from the catalog when somebody looks: once for the three of them. While Postgres does not
 * answer they have no values, and all other metrics do.
 */
export function countBacklog(catalog: Needs, registry: Registry, log: Pick<Logger, 'warn'>): void {
  const collect = onScrape(async () => {
    const depth = await withinLimit(catalog.delivery.backlog.depth()).catch((error: unknown) => {
      log.warn({ err: error }, 'the backlog could not be measured')
      return []
    })
    for (const gauge of [items, bytes, age]) gauge.reset()
    for (const { route, state, ...row } of depth) {
      items.set({ route, state }, row.items)
      bytes.set({ route, state }, row.bytes)
      age.set({ route, state }, row.oldestAgeMs / 1000)
    }
  })
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['route', 'state'], registers: [registry], collect })
  const items = gauge('lading_backlog_items', 'Work items that are not done, by route and state.')
  const bytes = gauge('lading_backlog_bytes', 'Bytes of files in work items that are not done.')
  const age = gauge('lading_backlog_oldest_seconds', 'Age of the oldest work item that is not done, seconds.')
}
