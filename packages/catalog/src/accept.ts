import { newId, type WorkLimits } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { lost } from './arrival.ts'
import type { Acceptance, ArrivedSum } from './catalog.ts'
import type { Sql } from './database.ts'
import { type JobRow, jobFromRow } from './job-row.ts'
import type { Job } from './model.ts'
import { arrivedRows, heldRows, type Source } from './rows-to-accept.ts'

/** See `Accepts.accept`; within the caller's transaction. */
export async function accept(sql: Sql, acceptance: Acceptance, limits: WorkLimits): Promise<Job> {
  const { job, files } = acceptance
  const jobId =
    job.kind === 'open'
      ? await openJob(sql, acceptance, job.jobId)
      : await insertJob(sql, acceptance, job.atomic)
  await sql.query(
    'INSERT INTO packs (pack_id, spool_id, job_id, bytes) VALUES (:packId, :spoolId, :jobId, :bytes)',
    {
      ...acceptance.pack,
      spoolId: acceptance.spoolId,
      jobId,
    },
  )
  const rows = 'arrivalId' in files ? arrivedRows(files.arrivalId) : heldRows(files, limits)
  await insertWork(sql, acceptance, jobId, rows.works)
  let accepted = 0
  for await (const page of rows.pages(sql)) {
    await takeHeads(sql, acceptance, page)
    accepted += await insertFiles(sql, acceptance, jobId, page)
  }
  const sum = sumOf(files)
  if (accepted !== sum.files) throw lost()
  return await count(sql, acceptance, jobId, sum)
}

function sumOf(files: Acceptance['files']): ArrivedSum {
  if ('arrivalId' in files) return files
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.size, 0) }
}

async function insertJob(sql: Sql, { run }: Acceptance, atomic: boolean): Promise<string> {
  const jobId = newId()
  await sql.query(
    `INSERT INTO jobs (job_id, tenant_id, run_id, state, atomic, sealed_at)
     VALUES (:jobId, :tenant, :runId, 'queued', :atomic, now())`,
    { jobId, tenant: run.tenantId, runId: run.runId, atomic },
  )
  return jobId
}

async function openJob(sql: Sql, { run }: Acceptance, jobId: string): Promise<string> {
  const [job] = await sql.query('SELECT 1 FROM jobs WHERE job_id = :jobId AND run_id = :runId', {
    jobId,
    runId: run.runId,
  })
  if (job) return jobId
  throw new LadingError('job_not_found', `job_id: the run has no job ${jobId}`)
}

/** A directory's path ends in a slash. */
const PATH = `CASE WHEN i.is_directory THEN i.path || '/' ELSE i.path END`

/**
 * Heads are taken in the order of their paths, so that two requests which share paths wait for each other and never
 * lock crosswise; who comes second has the later acceptance.
 */
async function takeHeads(sql: Sql, { run }: Acceptance, page: Source): Promise<void> {
  await sql.query(
    `INSERT INTO path_heads (run_id, path, head_file_id)
     SELECT :runId, ${PATH}, i.file_id FROM ${page.text}
     ORDER BY (${PATH}) COLLATE "C"
     ON CONFLICT (run_id, path) DO UPDATE SET head_file_id = excluded.head_file_id`,
    { ...page.bindings, runId: run.runId },
  )
}

async function insertWork(
  sql: Sql,
  { run, spoolId, pack }: Acceptance,
  jobId: string,
  works: Source,
): Promise<void> {
  await sql.query(
    `INSERT INTO work_items (work_id, job_id, tenant_id, route, pack_id, bytes)
     SELECT i.work_id, :jobId, :tenant, :spoolId, :packId, i.bytes FROM ${works.text}`,
    { ...works.bindings, jobId, tenant: run.tenantId, spoolId, packId: pack.packId },
  )
}

/** How many. */
async function insertFiles(sql: Sql, { run }: Acceptance, jobId: string, page: Source): Promise<number> {
  const [inserted] = await sql.query<{ files: number }>(
    `WITH inserted AS (
       INSERT INTO files (file_id, job_id, work_id, run_id, path, size, sha256, crc32, block_crcs, pack_offset, mode, mtime)
       SELECT i.file_id, :jobId, i.work_id, :runId, ${PATH}, i.size, i.sha256, i.crc32, i.block_crcs, i.pack_offset,
         i.mode, i.mtime FROM ${page.text}
       RETURNING 1
     ) SELECT count(*) AS files FROM inserted`,
    { ...page.bindings, jobId, runId: run.runId },
  )
  return inserted?.files ?? 0
}

/** The job's row is locked last, as settling does. */
async function count(
  sql: Sql,
  { run }: Acceptance,
  jobId: string,
  { files, bytes }: ArrivedSum,
): Promise<Job> {
  const [job] = await sql.query<JobRow>(
    `UPDATE jobs SET files_total = files_total + :files, bytes_total = bytes_total + :bytes
     WHERE job_id = :jobId AND run_id = :runId AND (sealed_at IS NULL OR files_total = 0)
       AND state IN ('open', 'queued') AND cancel_requested_at IS NULL
     RETURNING *`,
    { jobId, runId: run.runId, files, bytes },
  )
  if (!job)
    throw new LadingError('job_state_conflict', 'job_id: the job is sealed, or has ended; open another')
  return jobFromRow(job)
}
