import type { Sql } from './database.ts'
import type { Hints } from './hints.ts'
import { AS_COUNTED, isEnd, stateAfter } from './job-count.ts'

/**
 * Ends jobs whose files have all come to an end, and whose own end a process that was killed did not come to: cancelling
 * and sealing end a job in a statement after the one that makes it possible.
 */
export async function endOverlooked(db: Sql, hints: Hints): Promise<number> {
  const rows = await db.query<{ jobId: string }>(
    `SELECT job_id FROM jobs WHERE ended_at IS NULL AND state <> 'open'
       AND files_stored + files_failed + files_superseded + files_cancelled = files_total
     ORDER BY job_id LIMIT 100`,
  )
  const ended =
    rows.length === 0
      ? []
      : await endJobs(
          db,
          rows.map((row) => row.jobId),
        )
  hints.jobsChanged(ended)
  return ended.length
}

/** Ends those of the jobs whose files have all come to an end already, and returns their ids. */
export async function endJobs(sql: Sql, jobIds: readonly string[]): Promise<string[]> {
  const state = stateAfter(...AS_COUNTED)
  const rows = await sql.query<{ jobId: string }>(
    `UPDATE jobs j SET state = ${state}, ended_at = now()
     WHERE job_id = ANY (:jobIds::uuid[]) AND ended_at IS NULL AND ${isEnd(state)} RETURNING job_id`,
    { jobIds },
  )
  return rows.map((row) => row.jobId)
}
