import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { until } from './deadline.ts'
import { createDatabase } from './postgres.ts'
import { createBucket, type S3Access } from './s3.ts'
import { type AuditReport, audit } from './system-audit.ts'
import { LadingClient } from './system-client.ts'
import { type EndedLading, endLading, type LadingProcess, runLading, startLading } from './system-process.ts'
import { directoryFromOutside, type StoreFromOutside, s3FromOutside } from './system-store.ts'

export interface SystemOptions {
  readonly queue: 'redis' | 'postgres'
  readonly store: 's3' | 'directory'
  readonly servers: SystemServers
  /** By default one of each. */
  readonly apis?: number
  readonly workers?: number
  /** Settings that win over the harness's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the spool is, if not in a folder of the system's own. */
  readonly spoolDirectory?: string
  /** Where the system finds S3, when that is not where the S3 is: a proxy of the test. */
  readonly s3Endpoint?: string
}

/** What the system runs on. Each system has a database, a bucket and a spool of its own on them. */
export interface SystemServers {
  /** URL of a database whose user may make others. */
  readonly postgresUrl: string
  readonly redisUrl: string
  readonly s3: S3Access
}

/** The whole of Lading, as processes. */
export interface System extends AsyncDisposable {
  /** As the tenant `acme-corp`. */
  readonly client: LadingClient
  readonly apis: readonly LadingProcess[]
  readonly workers: readonly LadingProcess[]
  readonly databaseUrl: string
  readonly bucket: string
  readonly spoolDirectory: string
  /** Of the bucket, with a slash at the end. Below its `team/`, `acme-corp` may put the artifacts of experiments. */
  readonly bucketUri: string
  readonly store: StoreFromOutside
  addApi(): Promise<LadingProcess>
  addWorker(env?: Readonly<Record<string, string>>): Promise<LadingProcess>
  /** See `system-audit.ts`; besides, no process may have ended by itself. */
  audit(): Promise<AuditReport>
  /** Runs another command with the settings of the system, until it ends. */
  run(...args: readonly string[]): Promise<EndedLading>
  /** What the processes said, for whoever has to find out why a test failed. */
  logs(): string
  stop(): Promise<void>
}

/** Settings by which faults are noticed in seconds, where a production system takes half a minute. */
const QUICK = {
  LADING_LEASE: '3s',
  LADING_RETRY_MAX_DELAY: '1s',
  LADING_SPOOL_SWEEP: '1s',
  LADING_SPOOL_LOW_WATER: '64MiB',
  LADING_SHUTDOWN_GRACE: '15s',
  LADING_PORT: '0',
  LADING_OPS_PORT: '0',
}

export async function startSystem(options: SystemOptions): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'lading-system-'))
  const databaseUrl = await createDatabase(options.servers.postgresUrl)
  // A directory store has all its buckets to itself.
  const bucket = options.store === 's3' ? `t-${new URL(databaseUrl).pathname.slice(3)}` : 'matih-artifacts'
  const spoolDirectory = options.spoolDirectory ?? join(folder, 'spool')
  const objects = join(folder, 'objects')
  if (options.store === 's3') await createBucket(options.servers.s3, bucket)
  const bucketUri = options.store === 's3' ? `s3://${bucket}/` : `${pathToFileURL(join(objects, bucket))}/`
  const env = environment(options, { databaseUrl, bucket, bucketUri, spoolDirectory, objects })
  await runLading({ name: 'migrate', args: ['migrate'], env })

  const apis: LadingProcess[] = []
  const workers: LadingProcess[] = []
  const store =
    options.store === 's3' ? s3FromOutside(options.servers.s3, bucket) : directoryFromOutside(objects, bucket)
  let started = 0
  const add = async (into: LadingProcess[], command: 'api' | 'worker', more = {}) => {
    started += 1
    const name = `${command} (process ${started})`
    const process = await startLading({ name, args: [command], env: { ...env, ...more } })
    into.push(process)
    // A worker that is killed while it asks the store what it verifies leaves the object that it asks with.
    if (command === 'worker') await until(() => process.lines.some(tellsOfProbe), { within: START_LIMIT_MS })
    return process
  }
  const processes = () => [...apis, ...workers]
  const running = () => apis.filter((api) => api.runs).map((api) => api.url)
  const stop = async () => {
    await Promise.all(processes().map((running) => running.kill('SIGTERM')))
    store.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all([
      ...Array.from({ length: options.apis ?? 1 }, () => add(apis, 'api')),
      ...Array.from({ length: options.workers ?? 1 }, () => add(workers, 'worker')),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    client: new LadingClient(running, 'acme-corp'),
    apis,
    workers,
    databaseUrl,
    bucket,
    spoolDirectory,
    bucketUri,
    store,
    addApi: () => add(apis, 'api'),
    addWorker: (more) => add(workers, 'worker', more),
    audit: async () => {
      const crashes = processes().flatMap(({ crash }) => crash ?? [])
      if (crashes.length > 0) throw new Error(crashes.join('; '))
      return await audit({ databaseUrl, spoolDirectory, store })
    },
    run: (...args) => endLading({ name: args.join(' '), args, env }),
    logs: () => processes().map(lastWords).join('\n'),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const START_LIMIT_MS = 120_000

function tellsOfProbe(line: string): boolean {
  return /the object store (was|could not be) probed/.test(line)
}

interface Places {
  readonly databaseUrl: string
  readonly bucket: string
  readonly bucketUri: string
  readonly spoolDirectory: string
  readonly objects: string
}

function environment(options: SystemOptions, places: Places): Record<string, string> {
  const { s3, redisUrl } = options.servers
  return {
    ...QUICK,
    DATABASE_URL: places.databaseUrl,
    LADING_SPOOL_DIR: places.spoolDirectory,
    LADING_ARTIFACT_ROOTS: `acme-corp=${places.bucketUri}team/`,
    ...(options.queue === 'redis' && { REDIS_URL: redisUrl }),
    ...(options.store === 's3'
      ? {
          S3_ENDPOINT: options.s3Endpoint ?? s3.endpoint,
          S3_BUCKET: places.bucket,
          S3_REGION: s3.region,
          AWS_ACCESS_KEY_ID: s3.accessKeyId,
          AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        }
      : { LADING_OBJECTS_DIR: places.objects }),
    ...options.env,
  }
}

const LAST_LINES = 60

/** Requests that went well are left out. */
function lastWords({ name, lines }: LadingProcess): string {
  const telling = lines.filter((line) => !/^\{"level":(20|30),.*"status":[23]\d\d/.test(line))
  return [`-- ${name}`, ...telling.slice(-LAST_LINES)].join('\n')
}
