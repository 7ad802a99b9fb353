import type { TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { IdempotencyKeys } from './catalog.ts'
import type { Sql, Walled } from './database.ts'
import { prepared } from './prepared.ts'

interface Row {
  request: string
  content: string | null
  jobId: string | null
  lockedBy: string | null
}

export function idempotencyKeysOf(db: Walled): IdempotencyKeys {
  return {
    begin: (tenant, key, request, holder, leaseMs) =>
      beginKey(db.of(tenant), tenant, key, request, holder, leaseMs),
    async renew(tenant, key, holder, leaseMs) {
      await db.of(tenant).query(
        `UPDATE idempotency_keys SET locked_until = now() + :leaseMs * interval '1 ms'
         WHERE tenant_id = :tenant AND key = :key AND locked_by = :holder`,
        { tenant, key, holder, leaseMs },
      )
    },
    async release(tenant, key, holder) {
      await db.of(tenant).query(
        `DELETE FROM idempotency_keys
         WHERE tenant_id = :tenant AND key = :key AND locked_by = :holder AND job_id IS NULL`,
        { tenant, key, holder },
      )
    },
  }
}

/** See `IdempotencyKeys.begin`. */
export async function beginKey(
  sql: Sql,
  tenant: TenantId,
  key: string,
  request: string,
  holder: string,
  leaseMs: number,
): ReturnType<IdempotencyKeys['begin']> {
  // A key whose holder let it run out (it was killed) is taken over; one that has a job never is.
  const [row] = await sql.query<Row>(
    prepared(`INSERT INTO idempotency_keys AS k (tenant_id, key, request, locked_by, locked_until)
     VALUES (:tenant, :key, :request, :holder, now() + :leaseMs * interval '1 ms')
     ON CONFLICT (tenant_id, key) DO UPDATE SET
       locked_by = CASE WHEN k.job_id IS NULL AND k.request = excluded.request AND k.locked_until < now()
                        THEN excluded.locked_by ELSE k.locked_by END,
       locked_until = CASE WHEN k.job_id IS NULL AND k.request = excluded.request AND k.locked_until < now()
                           THEN excluded.locked_until ELSE k.locked_until END
     RETURNING request, content, job_id, locked_by`),
    { tenant, key, request, holder, leaseMs },
  )
  if (!row) throw new Error('the statement that takes an idempotency key gave no row')
  if (row.request !== request) {
    throw new LadingError(
      'idempotency_key_reused',
      'Idempotency-Key: this key belongs to a request with another method or target',
    )
  }
  if (row.jobId !== null) return { state: 'done', jobId: row.jobId, content: row.content ?? '' }
  if (row.lockedBy === holder) return { state: 'begun' }
  throw new LadingError(
    'idempotency_key_in_flight',
    'Idempotency-Key: the first request is still under way',
    {
      retryAfter: 1,
    },
  )
}
