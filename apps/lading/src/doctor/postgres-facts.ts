import { Client } from 'pg'

export interface PostgresFacts {
  readonly version: string
  /** As `server_version_num`: 150004. */
  readonly versionNumber: number
  readonly readOnly: boolean
  readonly fsync: string
  readonly fullPageWrites: string
  readonly synchronousCommit: string
  /** Those kept for superusers are not counted. */
  readonly maxConnections: number
  readonly usedConnections: number
  /** Milliseconds by which its clock is ahead of this machine's. */
  readonly clockAheadMs: number
  /** Milliseconds that an answer takes. */
  readonly roundTripMs: number
}

const TIMEOUT_MS = 5_000

const FACTS = `
  SELECT current_setting('server_version') AS "version",
         current_setting('server_version_num')::int AS "versionNumber",
         pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS "readOnly",
         current_setting('fsync') AS "fsync",
         current_setting('full_page_writes') AS "fullPageWrites",
         current_setting('synchronous_commit') AS "synchronousCommit",
         current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int AS "maxConnections",
         (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS "usedConnections"`

/** Fails with node-postgres's error, whose message says where it tried. */
export async function askPostgres(url: string): Promise<PostgresFacts> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  })
  // An error of an idle connection; what is asked fails by itself.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<Omit<PostgresFacts, 'clockAheadMs' | 'roundTripMs'>>(FACTS)
    const [facts] = rows
    if (facts === undefined) throw new Error('PostgreSQL answered nothing')
    return { ...facts, ...(await askClock(client)) }
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The clock is read halfway between question and answer, as far as anybody can know. */
async function askClock(client: Client): Promise<{ clockAheadMs: number; roundTripMs: number }> {
  const askedAt = Date.now()
  const startedAt = performance.now()
  const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now')
  const roundTripMs = performance.now() - startedAt
  const clockAheadMs = (rows[0]?.now.getTime() ?? Number.NaN) - (askedAt + roundTripMs / 2)
  return { clockAheadMs, roundTripMs }
}
