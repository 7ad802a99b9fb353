import type { Database } from './database.ts'
import type { Hints } from './hints.ts'
import { endJobs } from './job-end.ts'

/**
 * Fails open jobs whose deadline has passed. What was accepted of them is delivered all the same, as was promised; the
 * job has failed when that is done. The error names the missing shards, or how many files are missing.
 */
export async function failOverdueJobs(db: Database, hints: Hints): Promise<number> {
  const rows = await db.query<{ jobId: string }>(
    `UPDATE jobs j SET sealed_at = now(), error_code = 'deadline_passed',
       state = CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END,
       error_detail = CASE
         WHEN j.shards IS NOT NULL THEN 'not sealed in time: shards ' || (
           SELECT string_agg(missing::text, ', ' ORDER BY missing) FROM (
             SELECT s AS missing FROM generate_series(0, j.shards - 1) s
             WHERE NOT EXISTS (SELECT 1 FROM job_shards d WHERE d.job_id = j.job_id AND d.shard = s) LIMIT 100) m)
         WHEN j.expected_files IS NOT NULL THEN 'not sealed in time: ' || (
           SELECT count(DISTINCT path) FROM files f WHERE f.job_id = j.job_id AND f.path NOT LIKE '%/')
           || ' of ' || j.expected_files || ' files came'
         ELSE 'not sealed in time' END
     WHERE j.state = 'open' AND j.deadline < now() RETURNING j.job_id`,
  )
  if (rows.length === 0) return 0
  const jobIds = rows.map((row) => row.jobId)
  await endJobs(db, jobIds)
  hints.jobsChanged(jobIds)
  return rows.length
}
