import type { Catalog } from '@lading/catalog'
import { Gauge, type Registry } from 'prom-client'

/** Gauges of the backlog, read from the catalog when somebody looks. */
export function countBacklog(catalog: Catalog, registry: Registry): void {
  const labelNames = ['route', 'state']
  const items = new Gauge({
    name: 'lading_backlog_items',
    help: 'Work items that are not done, by route and state.',
    labelNames,
    registers: [registry],
    async collect() {
      await refresh()
    },
  })
  const bytes = new Gauge({
    name: 'lading_backlog_bytes',
    help: 'Bytes of files in work items that are not done.',
    labelNames,
    registers: [registry],
  })
  const age = new Gauge({
    name: 'lading_backlog_oldest_seconds',
    help: 'Age of the oldest work item that is not done, seconds.',
    labelNames,
    registers: [registry],
  })

  const refresh = async () => {
    const depth = await catalog.delivery.backlog.depth()
    for (const gauge of [items, bytes, age]) gauge.reset()
    for (const { route, state, ...row } of depth) {
      items.set({ route, state }, row.items)
      bytes.set({ route, state }, row.bytes)
      age.set({ route, state }, row.oldestAgeMs / 1000)
    }
  }
}
