import { DEFAULT_WORK_LIMITS, type WorkLimits } from '@lading/core'
import { acceptsOf } from './accepts.ts'
import { apiKeysOf } from './api-keys.ts'
import { artifactsOf } from './artifacts.ts'
import { backlogOf } from './backlog.ts'
import { begin } from './begin.ts'
import type { ApiCatalog } from './catalog.ts'
import { checkDatabase } from './check-database.ts'
import { copySourcesOf } from './copy-sources.ts'
import { Database } from './database.ts'
import type { DeliveryCatalog } from './delivery-catalog.ts'
import { experimentsOf } from './experiments.ts'
import { Hints } from './hints.ts'
import { idempotencyKeysOf } from './idempotency-keys.ts'
import { DEFAULT_JOB_LIMITS, type JobLimits } from './job-limits.ts'
import { jobsOf } from './jobs.ts'
import { leadershipsOf } from './leadership.ts'
import { leasesOf } from './leases.ts'
import { ledgerOf } from './ledger.ts'
import type { Logger } from './logger.ts'
import { migrateDown, migrateUp } from './migrate.ts'
import { orphansOf } from './orphans.ts'
import { packsOf } from './packs.ts'
import { publish } from './publish.ts'
import { QuotaBook } from './quota-book.ts'
import { NO_QUOTA, type Quota, quotasOf } from './quotas.ts'
import { resumableUploadsOf } from './resumable-uploads.ts'
import { runsOf } from './runs.ts'
import { scrubsOf } from './scrubs.ts'
import { settle, settleLeft } from './settle.ts'
import { stagingOf } from './staging.ts'
import { sweepsOf } from './sweeps.ts'
import { tokenSecretOf } from './token-secret.ts'
import { workersOf } from './workers.ts'

export interface CatalogOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Bucket of experiments that name no location of their own. */
  readonly defaultBucket: string
  /** Whether the prefix that experiments get by default begins with their tenant. False. */
  readonly tenantPrefix?: boolean
  readonly log: Logger
  /** The most connections of this process, besides one for hints and one for leadership. 10. */
  readonly poolSize?: number
  /** Milliseconds that a caller waits for a connection, and a statement may run. 10,000. */
  readonly timeoutMs?: number
  /** The same for a statement that touches all files of a job. 600,000. */
  readonly wholeJobMs?: number
  readonly schema?: string
  readonly workLimits?: WorkLimits
  readonly jobLimits?: JobLimits
  /** Of tenants for which nothing else was set. */
  readonly quota?: Quota
}

/** The catalog of one process, as both sides see it. It connects when it is first asked something. */
export interface Catalog extends AsyncDisposable {
  readonly api: ApiCatalog
  readonly delivery: DeliveryCatalog
  readonly hints: Pick<Hints, 'onWork' | 'onJobs'>
  /** Names of the migrations that ran. */
  migrateUp(): Promise<string[]>
  migrateDown(): Promise<string[]>
  close(): Promise<void>
}

export function openCatalog(options: CatalogOptions): Catalog {
  const db = new Database({
    url: options.url,
    poolSize: options.poolSize ?? 10,
    timeoutMs: options.timeoutMs ?? 10_000,
    log: options.log,
    ...(options.wholeJobMs === undefined ? {} : { wholeJobMs: options.wholeJobMs }),
    ...(options.schema === undefined ? {} : { schema: options.schema }),
  })
  const hints = new Hints(db, options.log)
  const workLimits = options.workLimits ?? DEFAULT_WORK_LIMITS
  const jobLimits = options.jobLimits ?? DEFAULT_JOB_LIMITS
  const book = new QuotaBook(db, options.quota ?? NO_QUOTA)
  const quotas = quotasOf(db, (tenant) => book.of(tenant))
  const check = () => checkDatabase(db)
  const close = async () => {
    await hints.close()
    await db.close()
  }
  return {
    api: {
      experiments: experimentsOf(db, {
        bucket: options.defaultBucket,
        tenantPrefix: options.tenantPrefix ?? false,
      }),
      runs: runsOf(db),
      uploads: acceptsOf(db, hints, workLimits, jobLimits, quotas.of),
      jobs: jobsOf(db, db, hints, { work: workLimits, job: jobLimits, quotaOf: quotas.of }),
      artifacts: artifactsOf(db, hints),
      idempotency: idempotencyKeysOf(db),
      resumable: resumableUploadsOf(db),
      keys: apiKeysOf(db),
      tokenSecret: tokenSecretOf(db),
      quotas,
      check,
    },
    delivery: {
      leadership: leadershipsOf(db),
      workers: workersOf(db),
      backlog: backlogOf(db),
      leases: leasesOf(db, hints),
      delivery: {
        begin: (ticket, fileIds) => begin(db, ticket, fileIds),
        settle: (ticket, outcomes) => settle(db, hints, ticket, outcomes),
        copySources: (fileId) => copySourcesOf(db, fileId),
        publish: (jobId) => publish(db, hints, jobId),
        settleLeft: (fileId) => settleLeft(db, hints, fileId),
      },
      ledger: ledgerOf(db),
      sweeps: sweepsOf(db, hints),
      staging: stagingOf(db),
      packs: packsOf(db),
      scrubs: scrubsOf(db),
      orphans: orphansOf(db),
      check,
    },
    hints,
    migrateUp: () => db.translated(() => migrateUp(db.knex)),
    migrateDown: () => db.translated(() => migrateDown(db.knex)),
    close,
    [Symbol.asyncDispose]: close,
  }
}
