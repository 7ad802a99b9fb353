import type { Catalog } from '@lading/catalog'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'

type Needs = { readonly delivery: { readonly backlog: Pick<Catalog['delivery']['backlog'], 'depth'> } }

/** Milliseconds that a look may take: a scrape has more to tell than the backlog, and not for ever. */
const LIMIT_MS = 2_000

/**
 * Gauges of the backlog, read from the catalog when somebody looks: once for the three of them. While Postgres does not
 * answer they have no values, and all other metrics do.
 */
export function countBacklog(catalog: Needs, registry: Registry, log: Pick<Logger, 'warn'>): void {
  const gauge = (name: string, help: string) =>
    new Gauge({
      name,
      help,
      labelNames: ['route', 'state'],
      registers: [registry],
      collect: () => look(),
    })
  const items = gauge('lading_backlog_items', 'Work items that are not done, by route and state.')
  const bytes = gauge('lading_backlog_bytes', 'Bytes of files in work items that are not done.')
  const age = gauge('lading_backlog_oldest_seconds', 'Age of the oldest work item that is not done, seconds.')

  let looking: Promise<void> | undefined
  // A scrape asks all gauges at the same time.
  const look = () => {
    looking ??= refresh().finally(() => {
      looking = undefined
    })
    return looking
  }

  const refresh = async () => {
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
  }
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
