import type { JobState, TenantId } from '@lading/core'
import { type ErrorCode, LadingError } from '@lading/protocol'
import type { Sql, Walled } from './database.ts'
import { mayBecome } from './file-states.ts'
import { holdPathsOfRetry } from './path-clashes.ts'
import { type Asked, checkQuotaOfAdded } from './quota-check.ts'
import type { Quota } from './quotas.ts'

/** Queues the failed files of a failed job again. False: the tenant has no such job. */
export async function retryJob(db: Walled, tenant: TenantId, jobId: string, quota: Quota): Promise<boolean> {
  return await db.of(tenant).transaction(async (sql) => {
    const [job] = await sql.query<{ runId: string; state: JobState; errorCode: ErrorCode | null }>(
      'SELECT run_id, state, error_code FROM jobs WHERE tenant_id = :tenant AND job_id = :jobId FOR UPDATE',
      { tenant, jobId },
    )
    if (!job) return false
    if (job.state !== 'failed') {
      throw new LadingError('job_state_conflict', `the job is ${job.state}; only a failed job can be retried`)
    }
    if (job.errorCode === 'deadline_passed') {
      throw new LadingError(
        'job_state_conflict',
        'the job was not sealed in time; open another for what is missing',
      )
    }
    await checkPacks(sql, jobId)
    await checkHeldBack(sql, jobId)
    const added = await requeue(sql, jobId)
    await checkQuotaOfAdded(sql, tenant, quota, { ...added, spooledBytes: 0 })
    await holdPathsOfRetry(sql, job.runId, jobId)
    return true
  }, 'whole job')
}

/** Locks the packs, so that none is dropped between this look and the commit. */
async function checkPacks(sql: Sql, jobId: string): Promise<void> {
  const packs = await sql.query<{ droppedAt: Date | null }>(
    `SELECT dropped_at FROM packs WHERE pack_id IN (
       SELECT w.pack_id FROM files f JOIN work_items w USING (work_id) WHERE f.job_id = :jobId AND f.state = 'failed')
     ORDER BY pack_id FOR UPDATE`,
    { jobId },
  )
  if (packs.some((pack) => pack.droppedAt !== null)) {
    throw new LadingError(
      'spool_lost',
      'the bytes of the failed files are no longer kept; upload the files again',
    )
  }
}

/** What an atomic job has delivered is kept as long as its packs are, but given up by another clock. */
async function checkHeldBack(sql: Sql, jobId: string): Promise<void> {
  const [missing] = await sql.query(
    `SELECT 1 FROM jobs j JOIN files f USING (job_id) LEFT JOIN unpublished u USING (file_id)
     WHERE j.job_id = :jobId AND j.atomic AND f.state = 'stored' AND u.file_id IS NULL LIMIT 1`,
    { jobId },
  )
  if (!missing) return
  throw new LadingError('spool_lost', 'what the job had delivered is no longer kept; upload the files again')
}

/**
 * Work that a worker still holds (the last of its files was ended from elsewhere) is taken from it: its statement that
 * finishes the work may have counted its files already, and must not take effect after this.
 */
async function requeue(sql: Sql, jobId: string): Promise<Asked> {
  const [added] = await sql.query<Asked>(
    `WITH file AS (
       UPDATE files SET state = 'spooled', error_code = NULL, error_detail = NULL, ended_at = NULL
       WHERE job_id = :jobId AND state ${mayBecome('spooled')} RETURNING work_id, size
     ), work AS (
       UPDATE work_items SET state = 'ready', attempts = 0, expiries = 0, available_at = now(), created_at = now(),
         lease_expires_at = NULL, taken_at = NULL, worker_id = NULL
       WHERE work_id IN (SELECT work_id FROM file)
     )
     UPDATE jobs SET state = 'queued', files_failed = files_failed - (SELECT count(*) FROM file), ended_at = NULL,
       cancel_requested_at = NULL, error_code = NULL, error_detail = NULL, error_path = NULL
     WHERE job_id = :jobId
     RETURNING (SELECT count(*) FROM file) AS objects, (SELECT coalesce(sum(size), 0)::bigint FROM file) AS bytes`,
    { jobId },
  )
  return added ?? { objects: 0, bytes: 0 }
}
