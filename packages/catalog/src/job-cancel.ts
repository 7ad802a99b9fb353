import { type JobState, jobHasEnded } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Database, Sql } from './database.ts'
import { COUNT_MOVED } from './job-count.ts'

/**
 * Marks the job, and cancels each file that no worker holds. A worker that holds one hears of it at its next heartbeat,
 * stops, and settles it. False: the tenant has no such job.
 */
export async function cancelJob(db: Database, tenant: string, jobId: string): Promise<boolean> {
  return await db.transaction(async (sql) => {
    const [job] = await sql.query<{ state: JobState }>(
      'SELECT state FROM jobs WHERE tenant_id = :tenant AND job_id = :jobId FOR UPDATE',
      { tenant, jobId },
    )
    if (!job) return false
    if (job.state === 'cancelled') return true
    if (jobHasEnded(job.state)) {
      throw new LadingError(
        'job_state_conflict',
        `the job is ${job.state}; only a job that has not ended can be cancelled`,
      )
    }
    await sql.query(
      'UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, now()) WHERE job_id = :jobId',
      {
        jobId,
      },
    )
    await cancelUnheld(sql, jobId)
    return true
  })
}

async function cancelUnheld(sql: Sql, jobId: string): Promise<void> {
  await sql.query(
    `WITH work AS (
       SELECT work_id FROM work_items
       WHERE job_id = :jobId AND (state = 'ready' OR (state = 'leased' AND taken_at IS NULL)) ORDER BY work_id FOR UPDATE
     ), ended AS (
       UPDATE work_items SET state = 'done' FROM work WHERE work_items.work_id = work.work_id
     ), moved AS (
       UPDATE files f SET state = 'cancelled', error_code = 'cancelled', error_detail = 'the job was cancelled', ended_at = now()
       FROM work WHERE f.work_id = work.work_id AND f.state IN ('spooled', 'uploading') RETURNING f.*
     ), freed AS (
       UPDATE path_heads h SET writer_file_id = NULL FROM moved m
       WHERE h.run_id = m.run_id AND h.path = m.path AND h.writer_file_id = m.file_id
     ), ${COUNT_MOVED}
     SELECT 1 FROM counted`,
    { jobId },
  )
}
