import type { Catalog } from '@lading/catalog'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { onScrape, withinLimit } from './on-scrape.ts'

type Needs = { readonly delivery: { readonly scrubs: Pick<Catalog['delivery']['scrubs'], 'summary'> } }

/** What reading back has found, from the catalog when somebody looks. Without values while Postgres does not answer. */
export function countRot(catalog: Needs, registry: Registry, log: Pick<Logger, 'warn'>): void {
  const collect = onScrape(async () => {
    try {
      const summary = await withinLimit(catalog.delivery.scrubs.summary())
      rotted.set({}, summary.rotted)
      oldest.set({}, summary.oldestAgeMs / 1000)
    } catch (error) {
      log.warn({ err: error }, 'the artifacts that have rotted could not be counted')
      for (const gauge of [rotted, oldest]) gauge.remove({})
    }
  })
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry], collect })
  const rotted = gauge(
    'lading_rotted_artifacts',
    'Artifacts whose objects were gone, or held other bytes, when they were last read back.',
  )
  const oldest = gauge(
    'lading_scrub_oldest_seconds',
    'Time since the artifact that waits longest was last read back or stored, seconds.',
  )
}
