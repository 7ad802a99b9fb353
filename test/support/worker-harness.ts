import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type Catalog, type Job, openCatalog, type Run } from '@lading/catalog'
import {
  type ArtifactPath,
  DigestTaker,
  newId,
  type ObjectStore,
  type Spool,
  type TenantId,
  type Ticket,
  type TicketConsumer,
  type TicketHandler,
  type TicketQueue,
  type WorkLimits,
} from '@lading/core'
import { openPostgresQueue, openRedisQueue } from '@lading/queue'
import { openSpool } from '@lading/spool'
import { openDirectoryStore } from '@lading/store-directory'
import { openS3Store } from '@lading/store-s3'
import { DEFAULT_WORKER_CONFIG, startWorker, type WorkerConfig } from '@lading/worker'
import { Redis } from 'ioredis'
import pg from 'pg'
import { type Logger, pino } from 'pino'
import { Registry } from 'prom-client'
import { until } from './deadline.ts'
import { Interposer } from './interposer.ts'
import { freshBucket, freshDatabase, sharedRedisUrl, sharedS3 } from './provided.ts'

export interface HarnessOptions {
  readonly store?: 'directory' | 's3'
  readonly queue?: 'redis' | 'postgres'
  readonly config?: Partial<WorkerConfig>
  readonly workLimits?: WorkLimits
}

/** Short times, so that what is lost is soon found out; but for the lease, which no slow machine must lose. */
const QUICK: WorkerConfig = {
  ...DEFAULT_WORKER_CONFIG,
  pollMs: 50,
  lostTicketMs: 400,
  sweepMs: 100,
  reconcileMs: 300,
  retry: { ...DEFAULT_WORKER_CONFIG.retry, baseDelayMs: 20, maxDelayMs: 200 },
}

const HEADER = Buffer.alloc(512)

const WITHIN = { within: 45_000 }
/** One holder's, of one piece of work. */
const LEASE = "work_id || ' ' || epoch"

/** A worker, and what a test does to it. */
export interface TestWorker {
  readonly workerId: string
  /** Between the worker and the object store. */
  readonly store: Interposer
  /** Between the worker and the catalog: `leases.take`, `delivery.settle` and so on. */
  readonly catalog: Interposer
  /** Neither the store nor the catalog hear of it again. */
  cut(): void
  /** The value of a metric, of all its labels or of those given. */
  metric(name: string, labels?: Record<string, string>): Promise<number>
  stop(graceMs?: number): Promise<void>
  /** Stops without a word to the catalog or the store. */
  kill(): Promise<void>
}

export interface TestWorkerOptions {
  /** Whether it may become the leader; true by default. */
  readonly leads?: boolean
  /** Whether it takes tickets; true by default. */
  readonly delivers?: boolean
  readonly config?: Partial<WorkerConfig>
  readonly queue?: TicketQueue
  readonly store?: ObjectStore
}

/** The parts of Lading but its API, all real: files are accepted as the API does it, and workers deliver them. */
export class Harness implements AsyncDisposable {
  readonly catalog: Catalog
  readonly spool: Spool
  readonly spoolDirectory: string
  readonly queue: TicketQueue
  readonly store: ObjectStore
  readonly bucket: string
  readonly log: Logger
  /** The settings by which a `lading` command finds the same catalog, store and spool. */
  readonly environment: Readonly<Record<string, string>>
  /** What this harness's keys in Redis begin with. */
  readonly #prefix: string
  readonly #sql: pg.Pool
  readonly #config: WorkerConfig
  readonly #workers = new Set<TestWorker>()
  /** ETags of objects that were read and found right, by key. */
  readonly #checked = new Map<string, string>()
  readonly #closing: (() => Promise<void>)[]

  private constructor(parts: {
    catalog: Catalog
    spool: Spool
    spoolDirectory: string
    queue: TicketQueue
    prefix: string
    store: ObjectStore
    bucket: string
    sql: pg.Pool
    config: WorkerConfig
    log: Logger
    environment: Readonly<Record<string, string>>
    closing: (() => Promise<void>)[]
  }) {
    this.catalog = parts.catalog
    this.spool = parts.spool
    this.spoolDirectory = parts.spoolDirectory
    this.queue = parts.queue
    this.#prefix = parts.prefix
    this.store = parts.store
    this.bucket = parts.bucket
    this.log = parts.log
    this.environment = parts.environment
    this.#sql = parts.sql
    this.#config = parts.config
    this.#closing = parts.closing
  }

  static async open(options: HarnessOptions = {}): Promise<Harness> {
    const folder = await mkdtemp(join(tmpdir(), 'lading-worker-'))
    const url = await freshDatabase()
    const bucket = options.store === 's3' ? await freshBucket() : 'artifacts'
    const objects = join(folder, 'objects')
    const store = options.store === 's3' ? s3Store() : openDirectoryStore(objects)
    const log = pino({ level: process.env.LADING_TEST_LOG ?? 'silent' })
    const catalog = openCatalog({
      url,
      defaultBucket: bucket,
      log,
      poolSize: 20,
      ...(options.workLimits === undefined ? {} : { workLimits: options.workLimits }),
    })
    await catalog.migrateUp()
    const spoolDirectory = join(folder, 'spool')
    const spool = await openSpool(spoolDirectory, { lowWaterBytes: 0 })
    const prefix = `{w-${randomBytes(6).toString('hex')}}`
    const queue = options.queue === 'postgres' ? postgresQueue(url) : redisQueue(prefix)
    const sql = new pg.Pool({ connectionString: url, max: 2 })
    sql.on('error', () => undefined)
    return new Harness({
      catalog,
      spool,
      spoolDirectory,
      queue,
      prefix,
      store,
      bucket,
      sql,
      config: { ...QUICK, ...options.config },
      log,
      environment: {
        DATABASE_URL: url,
        LADING_SPOOL_DIR: spoolDirectory,
        ...(options.store === 's3' ? environmentOfS3(bucket) : { LADING_OBJECTS_DIR: objects }),
      },
      closing: [
        () => queue.close(),
        () => catalog.close(),
        () => sql.end(),
        () => store.close(),
        () => spool.close(),
        () => rm(folder, { recursive: true, force: true }),
      ],
    })
  }

  startWorker(options: TestWorkerOptions = {}): TestWorker {
    const [store, catalog, registry] = [new Interposer(), new Interposer(), new Registry()]
    if (options.leads === false) {
      catalog.instead('leadership.tryTake', () => undefined)
    }
    const queue = new SeverableQueue(options.queue ?? this.queue)
    const service = startWorker(
      {
        catalog: { delivery: catalog.around(this.catalog.delivery), hints: this.catalog.hints },
        queue,
        store: store.around(options.store ?? this.store),
        spools: options.delivers === false ? [] : [this.spool],
        log: this.log,
        registry,
      },
      { ...this.#config, ...options.config },
    )
    const worker: TestWorker = {
      workerId: service.workerId,
      store,
      catalog,
      cut: () => {
        store.sever()
        catalog.sever()
        queue.sever()
      },
      metric: (name, labels) => metricOf(registry, name, labels),
      stop: async (graceMs = 5_000) => {
        this.#workers.delete(worker)
        await service.stop(graceMs)
      },
      kill: async () => {
        worker.cut()
        store.release()
        catalog.release()
        await worker.stop()
      },
    }
    this.#workers.add(worker)
    return worker
  }

  /** One who uploads, with a run of its own. */
  async uploader(tenant = `t-${newId()}`): Promise<Uploader> {
    const { experiments, runs } = this.catalog.api
    const experiment = await experiments.create(tenant as TenantId, {
      name: `experiment ${newId()}`,
      location: undefined,
    })
    const run = await runs.create(tenant as TenantId, {
      experimentId: experiment.experimentId,
      name: undefined,
    })
    return new Uploader(this, run)
  }

  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#sql.query<Row>(text, values)).rows
  }

  /** Lets deletions be due that wait for late requests to arrive. */
  async hastenDeletions(): Promise<void> {
    await this.sql('UPDATE deletions SET available_at = now()')
  }

  /** Takes everything away that the queue holds in Redis, as a FLUSHALL would. */
  async flushQueue(): Promise<void> {
    const redis = new Redis(sharedRedisUrl())
    try {
      for await (const keys of redis.scanStream({ match: `${this.#prefix}*`, count: 1_000 }))
        if (keys.length > 0) await redis.del(...keys)
    } finally {
      redis.disconnect()
    }
  }

  /** Lets all leases be over that are held now, until the leader has seen it: a heartbeat that comes in between renews none. */
  async expireLeases(): Promise<void> {
    const held = await this.sql<{ lease: string }>(
      `SELECT ${LEASE} AS lease FROM work_items WHERE state = 'leased'`,
    )
    const leases = held.map(({ lease }) => lease)
    const expire = `UPDATE work_items SET lease_expires_at = now() - interval '1 s'
      WHERE state = 'leased' AND ${LEASE} = ANY ($1) RETURNING 1`
    await until(async () => (await this.sql(expire, [leases])).length === 0, WITHIN)
  }

  /** Waits until nothing is left to do or to clear up, and checks that catalog, store and spool say the same. */
  async settled(): Promise<void> {
    let left: string[] = []
    await until(async () => {
      left = await this.unrest()
      return left.length === 0
    }, WITHIN).catch((cause: unknown) => {
      throw new Error(`There is still: ${left.join(', ')}`, { cause })
    })
    await this.#checkArtifacts()
  }

  /** What is still to be done or cleared up, as sentences. */
  async unrest(): Promise<string[]> {
    await this.hastenDeletions()
    const [row] = await this.sql<Record<string, number>>(
      `SELECT (SELECT count(*)::int FROM work_items WHERE state IN ('ready', 'leased')) AS "work items under way",
        (SELECT count(*)::int FROM jobs WHERE ended_at IS NULL) AS "jobs under way",
        (SELECT count(*)::int FROM uploads) AS "uploads in the ledger",
        (SELECT count(*)::int FROM deletions) AS "deletions",
        (SELECT count(*)::int FROM artifacts WHERE state <> 'stored') AS "artifacts in doubt",
        (SELECT count(*)::int FROM path_heads WHERE writer_file_id IS NOT NULL) AS "writers"`,
    )
    const left = Object.entries(row ?? {}).filter(([, count]) => count > 0)
    const found = left.map(([what, count]) => `${count} ${what}`)
    const signal = AbortSignal.timeout(30_000)
    for await (const upload of this.store.listUploads(this.bucket, '', signal))
      found.push(`upload to ${upload.key}`)
    const known = new Set(
      (await this.sql<{ key: string }>('SELECT key FROM artifacts')).map(({ key }) => key),
    )
    for await (const object of this.store.list(this.bucket, '', signal))
      if (!known.has(object.key)) found.push(`object ${object.key}`)
    const kept = await this.sql<{ pack_id: string }>(`SELECT pack_id FROM work_items WHERE state = 'dead'`)
    const packs = new Set(kept.map((work) => work.pack_id))
    for await (const pack of this.spool.list()) if (!packs.has(pack.packId)) found.push(`pack ${pack.packId}`)
    return found
  }

  /** Stops the workers, those that were cut off too. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.kill()))
    for (const close of this.#closing) await close()
  }

  async #checkArtifacts(): Promise<void> {
    const rows = await this.sql<{ key: string; sha256: Buffer; size: string; etag: string }>(
      'SELECT key, sha256, size, etag FROM artifacts',
    )
    for (const { key, sha256, size, etag } of rows) {
      if (this.#checked.get(key) === etag) continue
      const bytes = await this.read(key, etag)
      this.#checked.set(key, etag)
      if (bytes.length !== Number(size)) throw new Error(`${key} has ${bytes.length} bytes, not ${size}`)
      if (sha256Of(bytes) !== sha256.toString('hex')) throw new Error(`${key} holds other bytes`)
    }
  }

  async read(key: string, ifMatch?: string): Promise<Buffer> {
    const options = { signal: AbortSignal.timeout(30_000), ...(ifMatch === undefined ? {} : { ifMatch }) }
    const opened = await this.store.get({ bucket: this.bucket, key }, options)
    return await buffer(opened.body)
  }
}

/** A queue whose consumers vanish: they take no more tickets, and those that they have are over. */
class SeverableQueue implements TicketQueue {
  readonly #queue: TicketQueue
  readonly #severed = Promise.withResolvers<void>()
  readonly #consumers: TicketConsumer[] = []

  constructor(queue: TicketQueue) {
    this.#queue = queue
  }

  sever(): void {
    this.#severed.resolve()
    for (const consumer of this.#consumers) void consumer.close(new Error('the process was killed'))
  }

  add(route: string, tickets: readonly Ticket[]): Promise<void> {
    return this.#queue.add(route, tickets)
  }

  missing(route: string, tickets: readonly Ticket[]): Promise<Ticket[]> {
    return this.#queue.missing(route, tickets)
  }

  consume(route: string, { slots, handler }: { slots: number; handler: TicketHandler }): TicketConsumer {
    const consumer = this.#queue.consume(route, {
      slots,
      handler: (ticket, signal) => Promise.race([handler(ticket, signal), this.#severed.promise]),
    })
    this.#consumers.push(consumer)
    return consumer
  }

  check(): Promise<void> {
    return this.#queue.check()
  }

  close(): Promise<void> {
    return this.#queue.close()
  }
}

export type Files = Readonly<Record<string, Buffer>>

interface Sending {
  readonly atomic?: boolean
  readonly isWholePack?: boolean
  /** Of an open job. */
  readonly jobId?: string
}

export class Uploader {
  readonly harness: Harness
  readonly run: Run

  constructor(harness: Harness, run: Run) {
    this.harness = harness
    this.run = run
  }

  get tenant(): TenantId {
    return this.run.tenantId as TenantId
  }

  /**
   * Accepts a job, or more files of an open one, as the API does: a pack, sealed, then the catalog. A header lies before
   * the files, as in a form or a tar, unless the pack is the one file and nothing else, as after a PUT.
   */
  async accept(files: Files, { atomic = false, isWholePack = false, jobId }: Sending = {}): Promise<Job> {
    const { spool, catalog } = this.harness
    const packId = newId()
    await using pack = await spool.create(packId, { expectedBytes: 0 })
    if (!isWholePack) await pack.write(HEADER)
    const accepted = []
    for (const [path, bytes] of Object.entries(files)) {
      const packOffset = pack.position
      const taker = new DigestTaker()
      taker.update(bytes)
      await pack.write(bytes)
      accepted.push({
        path: path as ArtifactPath,
        type: 'file' as const,
        mode: undefined,
        mtime: undefined,
        packOffset,
        ...taker.finish(),
      })
    }
    const bytes = pack.position
    await pack.seal()
    return await catalog.api.uploads.accept({
      run: this.run,
      job: jobId === undefined ? { kind: 'new', atomic } : { kind: 'open', jobId },
      spoolId: spool.id,
      pack: { packId, bytes },
      files: accepted,
      idempotency: undefined,
    })
  }

  async job(jobId: string): Promise<Job> {
    const job = await this.harness.catalog.api.jobs.get(this.tenant, jobId)
    if (!job) throw new Error(`there is no job ${jobId}`)
    return job
  }

  /** Waits for the job's end. */
  async ended(jobId: string): Promise<Job> {
    await until(async () => (await this.job(jobId)).endedAt !== undefined, WITHIN)
    return await this.job(jobId)
  }

  async artifact(path: string) {
    return await this.harness.catalog.api.artifacts.get(this.run, path as ArtifactPath)
  }

  /** The bytes of an artifact, as they lie in the store. */
  async bytesOf(path: string): Promise<Buffer | undefined> {
    const artifact = await this.artifact(path)
    return artifact && (await this.harness.read(artifact.key))
  }

  async files(jobId: string) {
    const page = await this.harness.catalog.api.jobs.files(
      this.run.tenantId,
      jobId,
      {},
      { limit: 1_000, cursor: undefined },
    )
    return page.items
  }

  /** Where the file of this path lies in its job's pack. */
  async slice(jobId: string, path: string): Promise<{ packFile: string; offset: number; size: number }> {
    const [row] = await this.harness.sql<{ pack_id: string; pack_offset: string; size: string }>(
      `SELECT w.pack_id, f.pack_offset, f.size FROM files f JOIN work_items w USING (work_id)
       WHERE f.job_id = $1 AND f.path = $2`,
      [jobId, path],
    )
    if (!row) throw new Error(`there is no file ${path} in job ${jobId}`)
    const packFile = join(this.harness.spoolDirectory, 'packs', row.pack_id)
    return { packFile, offset: Number(row.pack_offset), size: Number(row.size) }
  }
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function s3Store(): ObjectStore {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedS3()
  return openS3Store({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    maxSockets: 32,
  })
}

function environmentOfS3(bucket: string): Record<string, string> {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedS3()
  return {
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }
}

function redisQueue(prefix: string): TicketQueue {
  return openRedisQueue({ url: sharedRedisUrl(), prefix })
}

function postgresQueue(url: string): TicketQueue {
  return openPostgresQueue({ connectionString: url })
}

async function metricOf(registry: Registry, name: string, labels?: Record<string, string>): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get()
  const values = (metric?.values ?? []).filter((value) =>
    Object.entries(labels ?? {}).every(([label, text]) => value.labels[label] === text),
  )
  return values.reduce((sum, { value }) => sum + value, 0)
}
