import { LadingError } from '@lading/protocol'
import type { Sql } from './database.ts'
import { limitsUsage, type Quota, type Usage } from './quotas.ts'

/** What is about to be added. */
export interface Asked {
  readonly objects: number
  readonly bytes: number
}

/**
 * Refuses what would be more than the tenant may have; within the transaction that has added it already. Those of one tenant
 * wait for each other here, so that no two of them pass together where only one has room. Without a quota it costs nothing.
 * `spooledBytes`: of what was added. Fails with `quota_exceeded`, `backlog_full`.
 */
export async function checkQuotaOfAdded(
  sql: Sql,
  tenant: string,
  quota: Quota,
  { spooledBytes, ...added }: Asked & { readonly spooledBytes: number },
): Promise<void> {
  if (!limitsUsage(quota)) return
  await sql.query('SELECT 1 FROM tenants WHERE tenant_id = :tenant FOR NO KEY UPDATE', { tenant })
  const [usage] = await sql.query<Usage>('SELECT * FROM usage_of(:tenant)', { tenant })
  if (usage === undefined) return
  checkStored(
    {
      ...usage,
      comingBytes: usage.comingBytes - added.bytes,
      comingObjects: usage.comingObjects - added.objects,
    },
    quota,
    added,
  )
  if (spooledBytes > 0) checkSpooled({ spooledBytes: usage.spooledBytes - spooledBytes }, quota, spooledBytes)
}

/** Fails with `quota_exceeded` where what is asked for has no room. */
export function checkStored(
  usage: Omit<Usage, 'spooledBytes'>,
  quota: Pick<Quota, 'bytes' | 'objects'>,
  asked: Asked,
): void {
  for (const what of ['bytes', 'objects'] as const) {
    const allowed = quota[what]
    const coming = what === 'bytes' ? usage.comingBytes : usage.comingObjects
    const used = usage[what] + coming
    if (allowed !== undefined && used + asked[what] > allowed)
      throw exceeded(what, { used, allowed, asked: asked[what] }, coming)
  }
}

/** Fails with `backlog_full`; `asked`: bytes that are to come. */
export function checkSpooled(
  { spooledBytes: used }: Pick<Usage, 'spooledBytes'>,
  quota: Pick<Quota, 'spooledBytes'>,
  asked: number,
): void {
  const { spooledBytes: allowed } = quota
  if (allowed === undefined || used + asked <= allowed) return
  throw new LadingError(
    'backlog_full',
    `spooled bytes: ${used} of the tenant are kept until they are delivered, ${allowed} are allowed, and this upload asks for ${asked}; send it again when some are delivered`,
    { retryAfter: 5, quota: { of: 'spooled_bytes', used, allowed, asked } },
  )
}

function exceeded(
  what: 'bytes' | 'objects',
  standing: { used: number; allowed: number; asked: number },
  coming: number,
): LadingError {
  const { used, allowed, asked } = standing
  return new LadingError(
    'quota_exceeded',
    `${what}: the tenant has ${used} (${coming} of them still to be delivered) of ${allowed} that are allowed, and this upload asks for ${asked}; delete artifacts, or ask the operator for more`,
    { quota: { of: what, ...standing } },
  )
}
