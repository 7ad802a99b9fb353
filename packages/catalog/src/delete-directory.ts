import { newId } from '@lading/core'
import type { Walled } from './database.ts'
import { endJobs } from './job-end.ts'
import { type JobRow, jobFromRow } from './job-row.ts'
import type { Job, Run } from './model.ts'

/** See `Artifacts.deleteDirectory`. */
export async function deleteDirectory(db: Walled, run: Run, directory: string): Promise<Job | undefined> {
  return await db.of(run.tenantId).transaction(async (sql) => {
    const jobId = newId()
    const [job] = await sql.query<JobRow>(DELETE, {
      jobId,
      tenant: run.tenantId,
      runId: run.runId,
      directory,
      from: `${directory}/`,
      to: `${directory}0`,
    })
    if (!job) return undefined
    // A directory of nothing but empty directories has no object to wait for.
    await endJobs(sql, [jobId])
    const [row] = await sql.query<JobRow>('SELECT * FROM jobs WHERE job_id = :jobId', { jobId })
    return row && jobFromRow(row)
  }, 'whole job')
}

const DELETE = `
WITH gone AS (
  DELETE FROM artifacts WHERE run_id = :runId AND path >= :from AND path < :to RETURNING path, bucket, key, etag, size
), objects AS (
  INSERT INTO deletions (run_id, path, bucket, key, etag, job_id)
  SELECT :runId, path, bucket, key, etag, :jobId FROM gone WHERE path NOT LIKE '%/' RETURNING path
)
INSERT INTO jobs (job_id, tenant_id, run_id, state, kind, directory, files_total, bytes_total, started_at, sealed_at)
SELECT :jobId, :tenant, :runId, 'running', 'delete', :directory, (SELECT count(*) FROM objects),
  coalesce(sum(size), 0), now(), now()
FROM gone HAVING count(*) > 0 RETURNING *`
