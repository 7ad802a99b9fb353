import { type JobState, jobHasEnded, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Walled } from './database.ts'
import { mayBecome } from './file-states.ts'
import { COUNT_MOVED } from './job-count.ts'
import { endJobs } from './job-end.ts'
import { RELEASE_KEYS } from './release-keys.ts'

/**
 * Marks the job, and cancels each file that no worker holds. A worker that holds one hears of it at its next heartbeat,
 * stops, and settles it. The mark commits first: work that a worker takes in between comes to it with the mark, and the
 * job's row is locked last, as settling does. False: the tenant has no such job.
 */
export async function cancelJob(walled: Walled, tenant: TenantId, jobId: string): Promise<boolean> {
  const db = walled.of(tenant)
  const marked = await db.query(
    `UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, now()), state = CASE
       WHEN state <> 'open' THEN state WHEN started_at IS NULL THEN 'queued' ELSE 'running' END
     WHERE tenant_id = :tenant AND job_id = :jobId AND ended_at IS NULL AND kind = 'upload' RETURNING 1`,
    { tenant, jobId },
  )
  if (marked.length > 0) {
    await db.transaction((sql) => sql.query(CANCEL_UNHELD, { jobId }), 'whole job')
    await endJobs(db, [jobId])
    return true
  }
  const [job] = await db.query<{ state: JobState; kind: 'upload' | 'delete' }>(
    'SELECT state, kind FROM jobs WHERE tenant_id = :tenant AND job_id = :jobId',
    { tenant, jobId },
  )
  if (!job) return false
  if (job.kind === 'delete') {
    throw new LadingError(
      'job_state_conflict',
      'a deletion cannot be cancelled: what it deletes is no longer listed',
    )
  }
  if (jobHasEnded(job.state) && job.state !== 'cancelled') {
    throw new LadingError(
      'job_state_conflict',
      `the job is ${job.state}; only a job that has not ended can be cancelled`,
    )
  }
  return true
}

const CANCEL_UNHELD = `
WITH work AS MATERIALIZED (
  SELECT work_id FROM work_items
  WHERE job_id = :jobId AND (state = 'ready' OR (state = 'leased' AND taken_at IS NULL)) ORDER BY work_id FOR UPDATE
), ended AS (
  UPDATE work_items w SET lease_expires_at = NULL, state = CASE
    WHEN EXISTS (SELECT 1 FROM files f WHERE f.work_id = w.work_id AND f.state = 'failed') THEN 'dead' ELSE 'done' END
  FROM work WHERE w.work_id = work.work_id
), heads AS MATERIALIZED (
  SELECT h.run_id FROM work JOIN files f USING (work_id) JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
  WHERE f.state ${mayBecome('cancelled')} ORDER BY h.run_id, h.path FOR UPDATE OF h
), locked AS MATERIALIZED (
  SELECT count(*) FROM heads
), moved AS (
  UPDATE files f SET state = 'cancelled', error_code = 'cancelled', error_detail = 'the job was cancelled', ended_at = now()
  FROM work, locked
  WHERE f.work_id = work.work_id AND f.state ${mayBecome('cancelled')}
  RETURNING f.file_id, f.job_id, f.run_id, f.path, f.size, f.state, f.error_code, f.error_detail
), ${RELEASE_KEYS}, ${COUNT_MOVED}
SELECT 1 FROM counted`
