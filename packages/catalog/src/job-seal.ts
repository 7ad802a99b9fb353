import { type JobState, jobHasEnded, type TenantId } from '@lading/core'
import { type ErrorCode, LadingError } from '@lading/protocol'
import type { Seal } from './catalog.ts'
import type { Sql, Walled } from './database.ts'
import { endJobs } from './job-end.ts'

interface Row {
  state: JobState
  shards: number | null
  expectedFiles: number | null
  sealedAt: Date | null
  errorCode: ErrorCode | null
}

/** See `Jobs.seal`. `known`: the tenant has such a job; `ended`: it came to its end by this. */
export async function sealJob(
  db: Walled,
  tenant: TenantId,
  jobId: string,
  seal: Seal,
): Promise<{ known: boolean; ended: boolean }> {
  return await db.of(tenant).transaction(async (sql) => {
    const [job] = await sql.query<Row>(
      'SELECT state, shards, expected_files, sealed_at, error_code FROM jobs WHERE tenant_id = :tenant AND job_id = :jobId FOR UPDATE',
      { tenant, jobId },
    )
    if (!job) return { known: false, ended: false }
    if (job.state !== 'open') {
      if (job.errorCode === 'deadline_passed') {
        throw new LadingError(
          'job_state_conflict',
          'the job was not sealed before its deadline; open another',
        )
      }
      if (job.sealedAt !== null || !jobHasEnded(job.state)) return { known: true, ended: false }
      throw new LadingError('job_state_conflict', `the job is ${job.state}, and was never sealed`)
    }
    if (job.shards !== null && !(await sealShard(sql, jobId, job.shards, seal.shard)))
      return { known: true, ended: false }
    if (job.shards === null && seal.shard !== undefined) {
      throw new LadingError('validation_failed', 'shard: the job was opened without shards')
    }
    await checkFiles(sql, jobId, seal.files ?? job.expectedFiles ?? undefined)
    if (seal.manifestSha256 !== undefined) await checkManifest(sql, jobId, seal.manifestSha256)
    return { known: true, ended: await close(sql, jobId) }
  }, 'whole job')
}

/** Whether that was the last of the job's shards. */
async function sealShard(
  sql: Sql,
  jobId: string,
  shards: number,
  shard: number | undefined,
): Promise<boolean> {
  if (shard === undefined || shard >= shards) {
    throw new LadingError(
      'validation_failed',
      `shard: the job has the shards 0 to ${shards - 1}; say which is complete`,
    )
  }
  await sql.query('INSERT INTO job_shards (job_id, shard) VALUES (:jobId, :shard) ON CONFLICT DO NOTHING', {
    jobId,
    shard,
  })
  const [row] = await sql.query<{ sealed: number }>(
    'SELECT count(*)::int AS sealed FROM job_shards WHERE job_id = :jobId',
    { jobId },
  )
  return row?.sealed === shards
}

async function checkFiles(sql: Sql, jobId: string, expected: number | undefined): Promise<void> {
  if (expected === undefined) return
  const [row] = await sql.query<{ files: number }>(
    `SELECT count(DISTINCT path)::int AS files FROM files WHERE job_id = :jobId AND path NOT LIKE '%/'`,
    { jobId },
  )
  if (row?.files === expected) return
  throw new LadingError(
    'manifest_mismatch',
    `files: the job has ${row?.files ?? 0} files and ${expected} were expected`,
  )
}

async function checkManifest(sql: Sql, jobId: string, expected: string): Promise<void> {
  const [row] = await sql.query<{ digest: string }>(
    `SELECT encode(sha256(convert_to(coalesce(string_agg(line, '' ORDER BY path), ''), 'UTF8')), 'hex') AS digest FROM (
       SELECT DISTINCT ON (path) path, path || E'\t' || size || E'\t' || encode(sha256, 'hex') || E'\n' AS line
       FROM files WHERE job_id = :jobId AND path NOT LIKE '%/' ORDER BY path, file_id DESC) AS lines`,
    { jobId },
  )
  if (row?.digest === expected) return
  throw new LadingError(
    'manifest_mismatch',
    'manifest_sha256: the files of the job are not those of the manifest; compare the list of its files',
  )
}

/** From open to queued, and on to the end if every file has come to one already. Whether it ended so. */
async function close(sql: Sql, jobId: string): Promise<boolean> {
  await sql.query(
    `UPDATE jobs SET sealed_at = now(), state = CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END
     WHERE job_id = :jobId`,
    { jobId },
  )
  return (await endJobs(sql, [jobId])).length > 0
}
