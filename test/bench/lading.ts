import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../support/deadline.ts'
import { startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { LadingClient } from '../support/system-client.ts'
import { type LadingProcess, runLading, startLading } from '../support/system-process.ts'
import type { BenchOptions } from './options.ts'
import { type ServerProgram, startServerProgram } from './program.ts'
import { ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY } from './s3-client.ts'

/** The system as it is deployed: an API, a worker, PostgreSQL that syncs its log, Redis; before an S3 that keeps nothing. */
export interface BenchSystem extends AsyncDisposable {
  readonly api: LadingProcess
  readonly worker: LadingProcess
  readonly sink: ServerProgram
  readonly client: LadingClient
  /** For files of the bench; on the file system of the spool. */
  readonly folder: string
}

export async function startBenchSystem(options: BenchOptions): Promise<BenchSystem> {
  await using opened = new AsyncDisposableStack()
  const folder = await benchFolder(options)
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const [postgres, redis, sink] = await Promise.all([
    startPostgres({ durable: true }),
    startRedis(),
    startServerProgram('null-sink'),
  ])
  for (const server of [postgres, redis, sink]) opened.defer(() => server.stop())
  const env = settings(folder, await postgres.createDatabase(), redis.url, sink.url)
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
    sink,
    folder,
    client: new LadingClient(() => [api.url], 'bench'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** What a worker knows of the store decides what it must compute itself. */
function hasProbed({ lines }: LadingProcess): boolean {
  const probed = lines.find((line) => line.includes('store was probed'))
  if (probed !== undefined && !probed.includes('"verifiesChecksums":true'))
    throw new Error(`The sink was not taken for an S3 that verifies: ${probed}`)
  return probed !== undefined
}

/** A new folder where the bench keeps its files. */
function benchFolder({ directory }: BenchOptions): Promise<string> {
  return mkdtemp(join(directory, 'lading-bench-'))
}

/** All else is what a user gets by default. */
function settings(folder: string, database: string, redis: string, sink: string): Record<string, string> {
  return {
    DATABASE_URL: database,
    REDIS_URL: redis,
    S3_ENDPOINT: sink,
    S3_BUCKET: BUCKET,
    AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
    LADING_SPOOL_DIR: join(folder, 'spool'),
    LADING_PORT: '0',
    LADING_OPS_PORT: '0',
  }
}

/** A profile of each process is written when it stops; `node --cpu-prof`. */
function profiled({ profiles }: BenchOptions): Record<string, string> {
  return profiles === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` }
}
