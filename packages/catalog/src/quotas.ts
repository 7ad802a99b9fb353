import type { TenantId } from '@lading/core'
import type { Database } from './database.ts'

/** What a tenant may have; undefined: as much as there is. */
export interface Quota {
  /** Bytes of artifacts, and of files that were accepted and are not shown yet. */
  readonly bytes: number | undefined
  /** As many of them, directories that came empty included. */
  readonly objects: number | undefined
  /** Bytes in temporary storage, until their packs are dropped. */
  readonly spooledBytes: number | undefined
  readonly requestsPerSecond: number | undefined
  /** Bytes of bodies. */
  readonly bytesPerSecond: number | undefined
  /** Uploads that one process receives at once. */
  readonly uploadsAtOnce: number | undefined
}

export const NO_QUOTA: Quota = {
  bytes: undefined,
  objects: undefined,
  spooledBytes: undefined,
  requestsPerSecond: undefined,
  bytesPerSecond: undefined,
  uploadsAtOnce: undefined,
}

/** Whether it says how much the tenant may have, and not only how fast. */
export function limitsUsage({ bytes, objects, spooledBytes }: Quota): boolean {
  return bytes !== undefined || objects !== undefined || spooledBytes !== undefined
}

export interface Usage {
  readonly objects: number
  readonly bytes: number
  /** Accepted, and not shown yet. */
  readonly comingObjects: number
  readonly comingBytes: number
  readonly spooledBytes: number
}

export interface TenantQuota {
  readonly tenantId: TenantId
  readonly quota: Quota
}

export interface RateBucket {
  readonly kind: 'requests' | 'bytes'
  /** Tokens that come back in a second. */
  readonly rate: number
  /** The most that gather. */
  readonly burst: number
}

export interface Quotas {
  /** What was set for the tenant, and the defaults where nothing was; known for up to 10 seconds. */
  of(tenant: TenantId): Promise<Quota>
  usage(tenant: TenantId): Promise<Usage>
  /** What was set, by tenant, and not the defaults. */
  list(): Promise<TenantQuota[]>
  /** In place of all that was set for the tenant. */
  set(tenant: TenantId, quota: Quota): Promise<void>
  /** False: nothing was set for it. */
  clear(tenant: TenantId): Promise<boolean>
  /**
   * Takes so many tokens of what all processes share, if any are there: what is taken too many has to come back first.
   * `left` is what is there afterwards, and may be negative.
   */
  take(tenant: TenantId, bucket: RateBucket, tokens: number): Promise<{ granted: boolean; left: number }>
  /** Gives tokens back that were not used, or takes those that were used beyond what was taken. */
  adjust(tenant: TenantId, bucket: RateBucket, tokens: number): Promise<void>
  /** Adds changes of usage up, so that few are left to be read; how many. Of all tenants when none is named. */
  addUp(tenant?: TenantId): Promise<number>
}

/** Changes that make it worth while to add them up. */
const MANY_CHANGES = 500

export function quotasOf(db: Database, of: Quotas['of']): Quotas {
  return {
    of,
    addUp: (tenant) => addUpUsage(db, tenant),
    async usage(tenant) {
      const [row] = await db.query<Usage & { changes: number }>('SELECT * FROM usage_of(:tenant)', { tenant })
      const { changes, ...usage } = row as Usage & { changes: number }
      if (changes > MANY_CHANGES) await addUpUsage(db, tenant)
      return usage
    },
    async list() {
      const rows = await db.query<QuotaRow>('SELECT * FROM quotas ORDER BY tenant_id')
      return rows.map((row) => ({ tenantId: row.tenantId, quota: quotaFrom(row) }))
    },
    async set(tenant, quota) {
      await db.query(SET, { tenant, ...valuesOf(quota) })
    },
    async clear(tenant) {
      return (
        (await db.query('DELETE FROM quotas WHERE tenant_id = :tenant RETURNING 1', { tenant })).length > 0
      )
    },
    async take(tenant, bucket, tokens) {
      const [row] = await db.query<{ granted: boolean; tokens: number }>(TAKE, { tenant, ...bucket, tokens })
      return { granted: row?.granted ?? true, left: row?.tokens ?? 0 }
    },
    async adjust(tenant, { kind, burst }, tokens) {
      await db.query(
        `UPDATE rate_buckets SET tokens = least(:burst, tokens + :tokens) WHERE tenant_id = :tenant AND kind = :kind`,
        { tenant, kind, burst, tokens },
      )
    },
  }
}

/** See `Quotas.addUp`. */
export async function addUpUsage(db: Database, tenant?: TenantId): Promise<number> {
  const [row] = await db.query<{ changes: number }>(ADD_UP, { tenant: tenant ?? null })
  return row?.changes ?? 0
}

interface QuotaRow {
  tenantId: TenantId
  bytes: number | null
  objects: number | null
  spooledBytes: number | null
  requestRate: number | null
  byteRate: number | null
  uploadsAtOnce: number | null
}

function quotaFrom(row: QuotaRow): Quota {
  return {
    bytes: row.bytes ?? undefined,
    objects: row.objects ?? undefined,
    spooledBytes: row.spooledBytes ?? undefined,
    requestsPerSecond: row.requestRate ?? undefined,
    bytesPerSecond: row.byteRate ?? undefined,
    uploadsAtOnce: row.uploadsAtOnce ?? undefined,
  }
}

/** What was set for the tenant; undefined: nothing. */
export async function quotaSetFor(db: Database, tenant: TenantId): Promise<Quota | undefined> {
  const [row] = await db.query<QuotaRow>('SELECT * FROM quotas WHERE tenant_id = :tenant', { tenant })
  return row && quotaFrom(row)
}

function valuesOf(quota: Quota) {
  return {
    bytes: quota.bytes ?? null,
    objects: quota.objects ?? null,
    spooledBytes: quota.spooledBytes ?? null,
    requestRate: quota.requestsPerSecond ?? null,
    byteRate: quota.bytesPerSecond ?? null,
    uploadsAtOnce: quota.uploadsAtOnce ?? null,
  }
}

const SET = `
INSERT INTO quotas (tenant_id, bytes, objects, spooled_bytes, request_rate, byte_rate, uploads_at_once)
VALUES (:tenant, :bytes, :objects, :spooledBytes, :requestRate, :byteRate, :uploadsAtOnce)
ON CONFLICT (tenant_id) DO UPDATE SET bytes = excluded.bytes, objects = excluded.objects,
  spooled_bytes = excluded.spooled_bytes, request_rate = excluded.request_rate, byte_rate = excluded.byte_rate,
  uploads_at_once = excluded.uploads_at_once, updated_at = now()`

/** Two at once take different rows; whoever reads meanwhile sees all before or all after. */
const ADD_UP = `
WITH gone AS (
  DELETE FROM usage_changes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM usage_changes WHERE :tenant::text IS NULL OR tenant_id = :tenant
    LIMIT 50000 FOR UPDATE SKIP LOCKED)) RETURNING *
), added AS (
  INSERT INTO tenant_usage AS u (tenant_id, objects, bytes, coming_objects, coming_bytes, spooled_bytes)
  SELECT tenant_id, sum(objects), sum(bytes), sum(coming_objects), sum(coming_bytes), sum(spooled_bytes)
  FROM gone GROUP BY tenant_id ORDER BY tenant_id
  ON CONFLICT (tenant_id) DO UPDATE SET objects = u.objects + excluded.objects, bytes = u.bytes + excluded.bytes,
    coming_objects = u.coming_objects + excluded.coming_objects, coming_bytes = u.coming_bytes + excluded.coming_bytes,
    spooled_bytes = u.spooled_bytes + excluded.spooled_bytes
)
SELECT count(*) AS changes FROM gone`

/** The bucket as it has filled up since it was last looked at. */
const FILLED = `least(:burst, b.tokens + :rate * extract(epoch FROM clock_timestamp() - b.filled_at))`

const TAKE = `
INSERT INTO rate_buckets AS b (tenant_id, kind, tokens, granted, filled_at)
VALUES (:tenant, :kind, :burst::double precision - :tokens, true, clock_timestamp())
ON CONFLICT (tenant_id, kind) DO UPDATE SET granted = ${FILLED} > 0, filled_at = clock_timestamp(),
  tokens = ${FILLED} - CASE WHEN ${FILLED} > 0 THEN :tokens ELSE 0 END
RETURNING granted, tokens`
