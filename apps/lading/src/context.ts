import { type Catalog, openCatalog } from '@lading/catalog'
import type { ObjectStore, Spool, TicketQueue } from '@lading/core'
import { openPostgresQueue, openRedisQueue, type QueueLog } from '@lading/queue'
import { openSpool } from '@lading/spool'
import { openDirectoryStore } from '@lading/store-directory'
import { openS3Store } from '@lading/store-s3'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Config } from './config.ts'
import { createLog } from './log/create-log.ts'
import { countBacklog } from './metrics/backlog.ts'
import { measured } from './metrics/measured-store.ts'
import { countRot } from './metrics/rot.ts'
import { stopAtCheckpoints } from './stop-at-checkpoints.ts'

/** What the services of one process share; wired here, once. */
export interface Context extends AsyncDisposable {
  readonly config: Config
  readonly log: Logger
  readonly metrics: Registry
  readonly catalog: Catalog
  readonly queue: TicketQueue
  readonly store: ObjectStore
  readonly spool: Spool
}

/** Opens everything. Nothing has to be up but the disk: connections are made when they are needed, and made again. */
export async function openContext(config: Config, databaseUrl: string): Promise<Context> {
  const log = createLog(config.logLevel)
  if (config.checkpoints !== undefined) stopAtCheckpoints(config.checkpoints)
  const metrics = new Registry()
  collectDefaultMetrics({ register: metrics })
  const catalog = openCatalog({
    url: databaseUrl,
    defaultBucket: config.bucket,
    log,
    poolSize: config.poolSize,
    tenantPrefix: config.tenantPrefix,
    jobLimits: config.api.limits.job,
    quota: config.quota,
  })
  countBacklog(catalog, metrics, log)
  countRot(catalog, metrics, log)
  const queue = openQueue(config, databaseUrl, log)
  const store = measured(openStore(config), metrics)
  const spool = await openSpool(config.spool.directory, { lowWaterBytes: config.spool.lowWaterBytes })
  return {
    config,
    log,
    metrics,
    catalog,
    queue,
    store,
    spool,
    async [Symbol.asyncDispose]() {
      await queue.close()
      await catalog.close()
      await store.close()
      await spool.close()
    },
  }
}

function openQueue(config: Config, databaseUrl: string, log: Logger): TicketQueue {
  const queueLog: QueueLog = (level, message, fields) => log[level](fields, message)
  return config.redisUrl === undefined
    ? openPostgresQueue({ connectionString: databaseUrl, log: queueLog })
    : openRedisQueue({ url: config.redisUrl, log: queueLog })
}

export function openStore({ store }: Pick<Config, 'store'>): ObjectStore {
  switch (store.kind) {
    case 's3':
      return openS3Store(store.options)
    case 'directory':
      return openDirectoryStore(store.root)
    default:
      return store satisfies never
  }
}
