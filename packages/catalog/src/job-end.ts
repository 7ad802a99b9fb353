import type { Sql } from './database.ts'
import { AS_COUNTED, isEnd, stateAfter } from './job-count.ts'

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
