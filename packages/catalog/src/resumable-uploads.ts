import { keptPath, newId, type Sha256Hex, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Acceptance, NewResumableUpload, ResumableUpload, ResumableUploads } from './catalog.ts'
import type { Sql, Walled } from './database.ts'

interface Row {
  uploadId: string
  tenantId: string
  runId: string
  jobId: string | null
  path: string
  size: number
  sha256: Buffer | null
  metadata: string
  spoolId: string
  received: number
  acceptedJobId: string | null
  expiresAt: Date
}

export function resumableUploadsOf(db: Walled): ResumableUploads {
  return {
    create: (given, limits) => db.of(given.run.tenantId).transaction((sql) => create(sql, given, limits)),
    async get(tenant, uploadId) {
      const [row] = await db
        .of(tenant)
        .query<Row>('SELECT * FROM resumable_uploads WHERE upload_id = :uploadId AND tenant_id = :tenant', {
          tenant,
          uploadId,
        })
      return row && fromRow(row)
    },
    async take(tenant, uploadId, holder, leaseMs) {
      const [row] = await db.of(tenant).query<Row>(
        `UPDATE resumable_uploads SET holder = :holder, held_until = now() + :leaseMs * interval '1 ms'
         WHERE upload_id = :uploadId AND (held_until IS NULL OR held_until < now()) RETURNING *`,
        { uploadId, holder, leaseMs },
      )
      return row && fromRow(row)
    },
    async record(tenant, uploadId, holder, received, { leaseMs, keepMs }) {
      const rows = await db.of(tenant).query(
        `UPDATE resumable_uploads SET received = :received, held_until = now() + :leaseMs * interval '1 ms',
           expires_at = now() + :keepMs * interval '1 ms'
         WHERE upload_id = :uploadId AND holder = :holder RETURNING 1`,
        { uploadId, holder, received, leaseMs, keepMs },
      )
      return rows.length > 0
    },
    async declare(tenant, uploadId, holder, sha256) {
      const rows = await db.of(tenant).query(
        `UPDATE resumable_uploads SET sha256 = :sha256
         WHERE upload_id = :uploadId AND holder = :holder AND (sha256 IS NULL OR sha256 = :sha256) RETURNING 1`,
        { uploadId, holder, sha256: Buffer.from(sha256, 'hex') },
      )
      return rows.length > 0
    },
    async renew(tenant, uploadId, holder, leaseMs) {
      await db.of(tenant).query(
        `UPDATE resumable_uploads SET held_until = now() + :leaseMs * interval '1 ms'
         WHERE upload_id = :uploadId AND holder = :holder`,
        { uploadId, holder, leaseMs },
      )
    },
    async release(tenant, uploadId, holder) {
      await db
        .of(tenant)
        .query(
          'UPDATE resumable_uploads SET holder = NULL, held_until = NULL WHERE upload_id = :uploadId AND holder = :holder',
          { uploadId, holder },
        )
    },
    async remove(tenant, uploadId, holder) {
      await db
        .of(tenant)
        .query('DELETE FROM resumable_uploads WHERE upload_id = :uploadId AND holder = :holder', {
          uploadId,
          holder,
        })
    },
  }
}

/** The tenant's uploads are counted one creation at a time, so that many at once do not pass the limit together. */
async function create(
  sql: Sql,
  given: NewResumableUpload,
  { most, keepMs }: { most: number; keepMs: number },
): Promise<{ upload: ResumableUpload; replayed: boolean }> {
  const { run, idempotencyKey } = given
  await sql.query("SELECT pg_advisory_xact_lock(hashtext('resumable ' || :tenant))", { tenant: run.tenantId })
  const before = idempotencyKey === undefined ? undefined : await byKey(sql, run.tenantId, idempotencyKey)
  if (before !== undefined) return { upload: sameUpload(before, given), replayed: true }
  await checkCount(sql, run.tenantId, most)
  const [row] = await sql.query<Row>(
    `INSERT INTO resumable_uploads
       (upload_id, tenant_id, run_id, job_id, path, size, sha256, metadata, idempotency_key, spool_id, expires_at)
     VALUES (:uploadId, :tenant, :runId, :jobId, :path, :size, :sha256, :metadata, :key, :spoolId,
       now() + :keepMs * interval '1 ms') RETURNING *`,
    {
      uploadId: newId(),
      tenant: run.tenantId,
      runId: run.runId,
      jobId: given.jobId ?? null,
      path: given.path,
      size: given.size,
      sha256: given.sha256 === undefined ? null : Buffer.from(given.sha256, 'hex'),
      metadata: given.metadata,
      key: idempotencyKey ?? null,
      spoolId: given.spoolId,
      keepMs,
    },
  )
  if (!row) throw new Error('the statement that creates a resumable upload gave no row')
  return { upload: fromRow(row), replayed: false }
}

async function byKey(sql: Sql, tenant: string, key: string): Promise<ResumableUpload | undefined> {
  const [row] = await sql.query<Row>(
    'SELECT * FROM resumable_uploads WHERE tenant_id = :tenant AND idempotency_key = :key',
    { tenant, key },
  )
  return row && fromRow(row)
}

/** Who declares the digest at the end gives none at the beginning, also where an earlier request has come to the end. */
function sameUpload(before: ResumableUpload, given: NewResumableUpload): ResumableUpload {
  const same =
    before.runId === given.run.runId &&
    before.path === given.path &&
    before.size === given.size &&
    (given.sha256 === undefined || before.sha256 === given.sha256) &&
    before.jobId === given.jobId
  if (same) return before
  throw new LadingError('idempotency_key_reused', 'Idempotency-Key: this key belongs to another upload')
}

async function checkCount(sql: Sql, tenant: string, most: number): Promise<void> {
  const [row] = await sql.query<{ count: number }>(
    'SELECT count(*) FROM resumable_uploads WHERE tenant_id = :tenant AND accepted_job_id IS NULL',
    { tenant },
  )
  if (Number(row?.count ?? 0) < most) return
  throw new LadingError(
    'too_many_uploads',
    `the tenant has ${most} resumable uploads that are not complete; complete or delete some, or wait until they expire`,
    { retryAfter: 60 },
  )
}

/** Notes, with the acceptance, which job the upload became, if its holder still holds it. Fails with `upload_locked`. */
export async function keepResumed(sql: Sql, { resumed }: Acceptance, jobId: string): Promise<void> {
  if (!resumed) return
  const kept = await sql.query(
    `UPDATE resumable_uploads SET accepted_job_id = :jobId
     WHERE upload_id = :uploadId AND holder = :holder AND accepted_job_id IS NULL RETURNING 1`,
    { ...resumed, jobId },
  )
  if (kept.length > 0) return
  throw new LadingError('upload_locked', 'another request took the upload over', { retryAfter: 1 })
}

function fromRow(row: Row): ResumableUpload {
  return {
    uploadId: row.uploadId,
    tenantId: row.tenantId as TenantId,
    runId: row.runId,
    jobId: row.jobId ?? undefined,
    path: keptPath(row.path),
    size: row.size,
    sha256: row.sha256 === null ? undefined : (row.sha256.toString('hex') as Sha256Hex),
    metadata: row.metadata,
    spoolId: row.spoolId,
    received: row.received,
    acceptedJobId: row.acceptedJobId ?? undefined,
    expiresAt: row.expiresAt,
  }
}
