import type { ApiCatalog } from '@lading/catalog'
import type { ObjectStore, Spool } from '@lading/core'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { ApiConfig } from './config.ts'
import { type Identities, openIdentities } from './identity/identities.ts'
import { BodyGuard } from './ingest/body-guard.ts'
import { type JobChanges, JobWatch } from './job-watch.ts'
import { type ApiMetrics, createMetrics } from './metrics.ts'
import { RequestRates } from './rates/request-rates.ts'
import { DigestsSoFar } from './resumable/digests-so-far.ts'
import { UnderWay } from './resumable/under-way.ts'
import { UploadsUnderWay } from './uploads-under-way.ts'

/** What the API is given; whoever opened these closes them, after `stop`. */
export interface ApiDeps {
  readonly catalog: ApiCatalog
  readonly spool: Spool
  readonly store: ObjectStore
  /** Fails when the queue cannot be reached; a dead queue only degrades readiness. */
  readonly queueCheck?: () => Promise<void>
  readonly jobChanges: JobChanges
  readonly log: Logger
  readonly metrics: Registry
}

/** What routes share. */
export interface ApiContext extends ApiDeps {
  readonly config: ApiConfig
  readonly meters: ApiMetrics
  readonly bodies: BodyGuard
  readonly jobWatch: JobWatch
  readonly identities: Identities
  readonly uploads: UploadsUnderWay
  readonly requestRates: RequestRates
  /** What this process remembers of resumable uploads; none of it is needed after a restart. */
  readonly resumable: { readonly underWay: UnderWay; readonly digests: DigestsSoFar }
  /** Fires when the server begins to stop: waits end, streams of events close, new requests are refused. */
  readonly stopping: AbortController
}

export function createContext(deps: ApiDeps, config: ApiConfig): ApiContext {
  const stopping = new AbortController()
  const meters = createMetrics(deps.metrics, deps.spool)
  return {
    ...deps,
    config,
    meters,
    bodies: new BodyGuard(config.limits),
    uploads: new UploadsUnderWay(config.limits.uploadsOfTenant, meters.uploadsInFlight),
    jobWatch: new JobWatch((ids) => deps.catalog.jobs.peek(ids), deps.jobChanges, deps.log),
    identities: openIdentities({ config, catalog: deps.catalog }),
    requestRates: new RequestRates(deps.catalog.quotas),
    resumable: { underWay: new UnderWay(), digests: new DigestsSoFar() },
    stopping,
  }
}
