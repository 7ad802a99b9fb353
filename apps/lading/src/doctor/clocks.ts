import type { Config } from '../config.ts'
import { compared } from './compare-clocks.ts'
import { dateOf } from './date-header.ts'
import { type Finding, skip } from './finding.ts'
import { askPostgres } from './postgres-facts.ts'

/** Leases and deadlines are the database's, log lines and ages of packs the machine's. */
const DATABASE_WARN_MS = 2_000
const DATABASE_FAIL_MS = 60_000
/** S3 refuses a signature that is 15 minutes off. */
const STORE_FAIL_MS = 15 * 60_000
const STORE_WARN_MS = 5 * 60_000

export async function examineClocks(config: Config): Promise<Finding[]> {
  return await Promise.all([database(config), store(config)])
}

async function database({ databaseUrl }: Config): Promise<Finding> {
  const check = 'clocks.database'
  if (databaseUrl === undefined) return skip(check, 'the embedded database has the clock of this machine')
  const facts = await askPostgres(databaseUrl).catch(() => undefined)
  if (facts === undefined) return skip(check, 'the database does not answer')
  return compared(check, facts.clockAheadMs, "the database's clock", DATABASE_WARN_MS, DATABASE_FAIL_MS)
}

async function store({ store }: Config): Promise<Finding> {
  const check = 'clocks.store'
  if (store.kind === 'directory') return skip(check, 'a directory has the clock of this machine')
  const { endpoint = `https://s3.${store.options.region}.amazonaws.com` } = store.options
  const aheadMs = await dateOf(endpoint)
  if (aheadMs === undefined) return skip(check, `${endpoint} tells no time`)
  return compared(check, aheadMs, "the store's clock", STORE_WARN_MS, STORE_FAIL_MS)
}
