import { openCatalog } from '@lading/catalog'
import { LadingError } from '@lading/protocol'
import type { Config } from '../config.ts'
import { locateBinaries } from '../embedded/postgres-binaries.ts'
import { createLog } from '../log/create-log.ts'
import { type Finding, fail, ok, warn } from './finding.ts'
import { askPostgres, type PostgresFacts } from './postgres-facts.ts'

const OLDEST = 150_000
/** Milliseconds: each upload commits once. */
const SLOW_MS = 20

export async function examinePostgres(config: Config): Promise<Finding[]> {
  if (config.databaseUrl === undefined) return [await examineEmbedded()]
  const facts = await askPostgres(config.databaseUrl).catch((error: Error) => error)
  if (facts instanceof Error) {
    const mend = 'Is it running, and is DATABASE_URL right (host, port, user, password, database)?'
    return [fail('postgres.reachable', facts.message, mend)]
  }
  return [
    reached(facts),
    version(facts),
    writable(facts),
    durable(facts),
    connections(facts, config),
    await schema(config, config.databaseUrl),
  ]
}

async function examineEmbedded(): Promise<Finding> {
  try {
    await locateBinaries()
    return ok('postgres.embedded', '`lading up` runs a PostgreSQL of its own; DATABASE_URL is not set')
  } catch (error) {
    const found = error instanceof LadingError ? error.detail : String(error)
    return fail(
      'postgres.embedded',
      found,
      'Set DATABASE_URL, or run `npm ci` without leaving out optional packages.',
    )
  }
}

function reached({ roundTripMs }: PostgresFacts): Finding {
  const found = `answers in ${roundTripMs.toFixed(1)} ms`
  if (roundTripMs < SLOW_MS) return ok('postgres.reachable', found)
  return warn(
    'postgres.reachable',
    found,
    'Run Lading near its database: an upload waits for a few answers of it.',
  )
}

function version({ version, versionNumber }: PostgresFacts): Finding {
  if (versionNumber >= OLDEST) return ok('postgres.version', `PostgreSQL ${version}`)
  return fail('postgres.version', `PostgreSQL ${version}`, 'Upgrade to PostgreSQL 15 or later.')
}

function writable({ readOnly }: PostgresFacts): Finding {
  if (!readOnly) return ok('postgres.writable', 'takes writes')
  return fail(
    'postgres.writable',
    'takes no writes: it is a standby, or read only',
    'Point DATABASE_URL at the primary.',
  )
}

function durable({ fsync, fullPageWrites, synchronousCommit }: PostgresFacts): Finding {
  const off = [
    ...(fsync === 'off' ? ['fsync'] : []),
    ...(fullPageWrites === 'off' ? ['full_page_writes'] : []),
    ...(synchronousCommit === 'off' ? ['synchronous_commit'] : []),
  ]
  if (off.length === 0) return ok('postgres.durable', 'commits are on the disk')
  return fail(
    'postgres.durable',
    `${off.join(', ')} off: a commit may be lost with the power, and an accepted upload with it`,
    `Set ${off.map((name) => `${name} = on`).join(', ')} in postgresql.conf.`,
  )
}

/** A process has its pool, and one connection each for hints, leadership and the queue. */
function connections({ maxConnections, usedConnections }: PostgresFacts, { poolSize }: Config): Finding {
  const wanted = poolSize + 3
  const free = maxConnections - usedConnections
  const found = `${free} of ${maxConnections} free; a process takes up to ${wanted}`
  if (free >= wanted) return ok('postgres.connections', found)
  return warn(
    'postgres.connections',
    found,
    'Raise max_connections, or lower LADING_DATABASE_POOL; processes wait for one else.',
  )
}

async function schema(config: Config, url: string): Promise<Finding> {
  await using catalog = openCatalog({ url, defaultBucket: config.bucket, log: createLog('silent') })
  try {
    await catalog.api.check()
    return ok('postgres.schema', 'up to date')
  } catch (error) {
    if (!(error instanceof LadingError)) throw error
    return fail('postgres.schema', error.detail, 'Run `lading migrate` once.')
  }
}
