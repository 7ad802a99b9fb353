import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../support/deadline.ts'
import { startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import type { S3Access } from '../support/s3.ts'
import { LadingClient } from '../support/system-client.ts'
import { type LadingProcess, runLading, startLading } from '../support/system-process.ts'
import type { BenchOptions } from './options.ts'
import { type ServerProgram, startServerProgram } from './program.ts'
import { ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY } from './s3-client.ts'

/** The system as it is deployed: an API, a worker, PostgreSQL that syncs its log, Redis; before an S3. */
export interface BenchSystem extends AsyncDisposable {
  readonly api: LadingProcess
  readonly worker: LadingProcess
  readonly client: LadingClient
  /** For files of the bench; on the file system of the spool. */
  readonly folder: string
}

/** A system whose S3 keeps nothing. */
export interface SinkSystem extends BenchSystem {
  readonly sink: ServerProgram
}

export async function startBenchSystem(options: BenchOptions): Promise<SinkSystem> {
  await using opened = new AsyncDisposableStack()
  const sink = await startServerProgram('null-sink')
  opened.defer(() => sink.stop())
  const system = opened.use(await startSystemBefore({ ...SINK_ACCESS, endpoint: sink.url }, options))
  const stack = opened.move()
  return { ...system, sink, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

type Access = Pick<S3Access, 'endpoint' | 'accessKeyId' | 'secretAccessKey'>

const SINK_ACCESS = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY }

/** A system before another S3, which has the bucket of the benches. */
export async function startSystemBefore(s3: Access, options: BenchOptions): Promise<BenchSystem> {
  await using opened = new AsyncDisposableStack()
  const folder = await benchFolder(options)
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const [postgres, redis] = await Promise.all([startPostgres({ durable: true }), startRedis()])
  for (const server of [postgres, redis]) opened.defer(() => server.stop())
  const env = settings(folder, await postgres.createDatabase(), redis.url, s3)
  await runLading({ name: 'migrate', args: ['migrate'], env })
  const start = async (name: 'api' | 'worker') => {
    const lading = await startLading({ name, args: [name], env: { ...env, ...profiled(options) } })
    opened.defer(() => lading.kill('SIGTERM'))
    return lading
  }
  const [api, worker] = [await start('api'), await start('worker')]
  await until(() => hasProbed(worker), { within: 30_000 })
  const stack = opened.move()
  return {
    api,
    worker,
    folder,
    client: new LadingClient(() => [api.url], 'bench'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** What a worker knows of the store decides what it must compute itself. */
function hasProbed({ lines }: LadingProcess): boolean {
  const probed = lines.find((line) => line.includes('store was probed'))
  if (probed !== undefined && !probed.includes('"verifiesChecksums":true'))
    throw new Error(`The store was not taken for an S3 that verifies: ${probed}`)
  return probed !== undefined
}

/** A new folder where the bench keeps its files. */
function benchFolder({ directory }: BenchOptions): Promise<string> {
  return mkdtemp(join(directory, 'lading-bench-'))
}

/** All else is what a user gets by default. */
function settings(folder: string, database: string, redis: string, s3: Access): Record<string, string> {
  return {
    DATABASE_URL: database,
    REDIS_URL: redis,
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: BUCKET,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    LADING_SPOOL_DIR: join(folder, 'spool'),
    LADING_PORT: '0',
    LADING_OPS_PORT: '0',
  }
}

/** A profile of each process is written when it stops; `node --cpu-prof`. */
function profiled({ profiles }: BenchOptions): Record<string, string> {
  return profiles === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` }
}
