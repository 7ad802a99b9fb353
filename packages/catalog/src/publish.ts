import { CATALOGUE_SHOWN } from './catalogue-shown.ts'
import type { Statements } from './database.ts'
import type { Hints } from './hints.ts'

/**
 * See `Deliveries.publish`. Its commit is the instant at which the artifacts of the job are there. One that another
 * publishes at this moment is left to it: the sweep looks again.
 */
export async function publish(db: Statements, hints: Hints, jobId: string): Promise<void> {
  const published = await db.transaction(async (sql) => {
    const due = await sql.query(
      `SELECT 1 FROM jobs WHERE job_id = :jobId AND atomic AND state IN ('queued', 'running') AND sealed_at IS NOT NULL AND cancel_requested_at IS NULL
         AND error_code IS DISTINCT FROM 'deadline_passed'
         AND files_stored + files_superseded = files_total FOR UPDATE SKIP LOCKED`,
      { jobId },
    )
    if (due.length === 0) return false
    await sql.query(SHOW, { jobId })
    await sql.query(`UPDATE jobs SET state = 'completed', ended_at = now() WHERE job_id = :jobId`, { jobId })
    return true
  }, 'whole job')
  if (!published) return
  hints.jobsChanged([jobId])
  hints.workIsReady()
}

/**
 * What was superseded meanwhile is not shown. Its object may be left at its own key when the newer file is given up
 * without having been written: that is noted among the deletions, which are void where an artifact is stored.
 */
const SHOW = `
WITH heads AS MATERIALIZED (
  SELECT f.file_id, h.head_file_id = f.file_id AS is_head
  FROM unpublished u JOIN files f USING (file_id) JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
  WHERE u.job_id = :jobId ORDER BY h.run_id, h.path FOR UPDATE OF h
), shown AS (
  SELECT f.run_id, f.path, j.tenant_id, f.file_id, f.job_id, f.size, f.sha256, f.crc32, u.bucket, u.key, u.etag, f.mode, f.mtime
  FROM heads JOIN files f USING (file_id) JOIN unpublished u USING (file_id) JOIN jobs j ON j.job_id = f.job_id
  WHERE heads.is_head
), ${CATALOGUE_SHOWN}, undeleted AS (
  DELETE FROM deletions d USING shown s WHERE d.run_id = s.run_id AND d.path = s.path
), stray AS (
  INSERT INTO deletions (run_id, path, bucket, key, file_id)
  SELECT f.run_id, f.path, u.bucket, u.key, f.file_id
  FROM heads JOIN files f USING (file_id) JOIN unpublished u USING (file_id) LEFT JOIN staging s USING (file_id)
  WHERE NOT heads.is_head AND s.file_id IS NULL AND f.path NOT LIKE '%/'
)
DELETE FROM unpublished WHERE job_id = :jobId`
