import type { TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Database } from './database.ts'
import { pendingMigrations } from './migrate.ts'
import { TENANT_ROLE } from './migrations/tenant-wall.ts'

/** Fails with `catalog_unavailable`, in words that say what to do, unless requests and workers can do their part. */
export async function checkDatabase(db: Database): Promise<void> {
  await db.query('SELECT 1')
  const pending = await db.translated(() => pendingMigrations(db.knex))
  if (pending.length > 0)
    throw unavailable(`migrations are pending: ${pending.join(', ')}; run "lading migrate"`)
  await checkTenantRole(db)
  await checkReach(db)
}

/** A request of nobody that there is. */
async function checkTenantRole(db: Database): Promise<void> {
  try {
    await db.of('' as TenantId).query('SELECT 1')
  } catch (error) {
    if (!isRefusal(error)) throw error
    const [login] = await db.query<{ name: string }>('SELECT quote_ident(current_user) AS name')
    throw unavailable(
      `requests run as ${TENANT_ROLE}, which this login may not become; as a superuser, run: GRANT ${TENANT_ROLE} TO ${login?.name}`,
      error,
    )
  }
}

/** Workers deliver for all tenants. Where row security held them, they would find no work, and say nothing. */
async function checkReach(db: Database): Promise<void> {
  const [jobs] = await db.query<{ held: boolean }>(`SELECT row_security_active('jobs') AS held`)
  if (jobs?.held !== true) return
  throw unavailable(
    'this login does not own the tables, so that row security hides all rows from it; use the one that runs "lading migrate", or one with BYPASSRLS',
  )
}

function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '42501'
}

function unavailable(detail: string, cause?: unknown): LadingError {
  return new LadingError('catalog_unavailable', detail, { cause })
}
