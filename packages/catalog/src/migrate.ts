import { LadingError } from '@lading/protocol'
import type { Knex } from 'knex'
import * as catalog from './migrations/0001-catalog.ts'
import * as directories from './migrations/0002-directories.ts'
import * as arrivals from './migrations/0003-arrivals.ts'
import * as copies from './migrations/0004-copies.ts'
import * as apiKeys from './migrations/0005-api-keys.ts'
import * as tenantWalls from './migrations/0006-tenant-walls.ts'
import * as quotas from './migrations/0007-quotas.ts'
import * as scrubs from './migrations/0008-scrubs.ts'
import * as tokenSecret from './migrations/0009-token-secret.ts'
import * as resumableUploads from './migrations/0010-resumable-uploads.ts'

/** In order; a migration that was released is never changed. */
const MIGRATIONS: Readonly<Record<string, Knex.Migration>> = {
  '0001-catalog': catalog,
  '0002-directories': directories,
  '0003-arrivals': arrivals,
  '0004-copies': copies,
  '0005-api-keys': apiKeys,
  '0006-tenant-walls': tenantWalls,
  '0007-quotas': quotas,
  '0008-scrubs': scrubs,
  '0009-token-secret': tokenSecret,
  '0010-resumable-uploads': resumableUploads,
}

const CONFIG: Knex.MigratorConfig = {
  tableName: 'lading_migrations',
  migrationSource: {
    getMigrations: async () => Object.keys(MIGRATIONS),
    getMigrationName: (name: string) => name,
    getMigration: async (name: string) => {
      const migration = MIGRATIONS[name]
      if (!migration) throw new Error(`no migration is called ${name}`)
      return migration
    },
  } satisfies Knex.MigrationSource<string>,
}

/** Brings the schema up to date; the names of the migrations that ran. Safe from several processes at once. */
export async function migrateUp(knex: Knex): Promise<string[]> {
  return await underLock(knex, async () => {
    const [, ran] = (await knex.migrate.latest(CONFIG)) as [number, string[]]
    return ran
  })
}

/** Takes everything back, the catalog's rows included. */
export async function migrateDown(knex: Knex): Promise<string[]> {
  return await underLock(knex, async () => {
    const [, ran] = (await knex.migrate.rollback(CONFIG, true)) as [number, string[]]
    return ran
  })
}

/** Names of migrations that this code knows and the database has not had. */
export async function pendingMigrations(knex: Knex): Promise<string[]> {
  const [, pending] = (await knex.migrate.list(CONFIG)) as [unknown, string[]]
  return pending
}

/**
 * knex's own migration lock fails a second process at once, and stays taken when its holder is killed. An advisory
 * lock makes the second wait, and ends with its connection.
 */
async function underLock<T>(knex: Knex, work: () => Promise<T>): Promise<T> {
  const MIGRATION_LOCK = 0x6c61_6469
  const connection = await knex.client.acquireConnection()
  try {
    await connection.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    await knex.migrate.forceFreeMigrationsLock(CONFIG)
    return await work()
  } catch (error) {
    throw refused(error) ?? error
  } finally {
    await connection.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => connection.end())
    await knex.client.releaseConnection(connection)
  }
}

/** What a migration says that is not allowed to do its part; knex puts the text of the statement before it. */
function refused(error: unknown): LadingError | undefined {
  const { code, message } = error as { code?: unknown; message: string }
  if (code !== '42501') return undefined
  const detail = message.slice(message.lastIndexOf(' - ') + 3)
  return new LadingError('catalog_unavailable', `Postgres refuses a migration: ${detail}`, { cause: error })
}
