import { newId, planWork, type WorkLimits } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Acceptance, AcceptedFile } from './catalog.ts'
import type { Sql } from './database.ts'
import { inPages } from './in-pages.ts'
import { type JobRow, jobFromRow } from './job-row.ts'
import type { Job } from './model.ts'

interface NewFile {
  readonly fileId: string
  readonly workId: string
  /** A directory's ends in a slash. */
  readonly path: string
  readonly file: AcceptedFile
}

/** Rows that one statement inserts: bounds its parameters, and the time that it takes. */
const ROWS = 5_000

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
  const works = planWork(files, limits).map((work) => ({ ...work, workId: newId() }))
  const rows = works.flatMap(({ workId, files }) =>
    files.map((file): NewFile => ({ fileId: newId(), workId, path: pathOf(file), file })),
  )
  await takeHeads(sql, acceptance, rows)
  await inPages(works, ROWS, (page) => insertWork(sql, acceptance, jobId, page))
  await inPages(rows, ROWS, (page) => insertFiles(sql, acceptance, jobId, page))
  return await count(sql, acceptance, jobId)
}

function pathOf({ path, type }: AcceptedFile): string {
  return type === 'directory' ? `${path}/` : path
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

/**
 * Heads are taken in the order of their paths, so that two requests which share paths wait for each other and never
 * lock crosswise; who comes second has the later acceptance.
 */
async function takeHeads(sql: Sql, { run }: Acceptance, rows: readonly NewFile[]): Promise<void> {
  const sorted = rows.length > ROWS ? rows.toSorted((a, b) => (a.path < b.path ? -1 : 1)) : rows
  await inPages(sorted, ROWS, (page) =>
    sql.query(
      `INSERT INTO path_heads (run_id, path, head_file_id)
       SELECT :runId, i.path, i.file_id FROM unnest(:paths::text[], :fileIds::uuid[]) AS i(path, file_id)
       ORDER BY i.path COLLATE "C"
       ON CONFLICT (run_id, path) DO UPDATE SET head_file_id = excluded.head_file_id`,
      { runId: run.runId, paths: page.map((row) => row.path), fileIds: page.map((row) => row.fileId) },
    ),
  )
}

async function insertWork(
  sql: Sql,
  { run, spoolId, pack }: Acceptance,
  jobId: string,
  works: readonly { readonly workId: string; readonly bytes: number }[],
): Promise<void> {
  await sql.query(
    `INSERT INTO work_items (work_id, job_id, tenant_id, route, pack_id, bytes)
     SELECT w.work_id, :jobId, :tenant, :spoolId, :packId, w.bytes
     FROM unnest(:workIds::uuid[], :workBytes::bigint[]) AS w(work_id, bytes)`,
    {
      jobId,
      tenant: run.tenantId,
      spoolId,
      packId: pack.packId,
      workIds: works.map((work) => work.workId),
      workBytes: works.map((work) => work.bytes),
    },
  )
}

async function insertFiles(
  sql: Sql,
  { run }: Acceptance,
  jobId: string,
  rows: readonly NewFile[],
): Promise<void> {
  const column = <T>(pick: (file: AcceptedFile) => T): T[] => rows.map((row) => pick(row.file))
  await sql.query(
    `INSERT INTO files (file_id, job_id, work_id, run_id, path, size, sha256, crc32, block_crcs, pack_offset, mode, mtime)
     SELECT i.file_id, :jobId, i.work_id, :runId, i.path, i.size, i.sha256, i.crc32, i.block_crcs, i.pack_offset, i.mode,
       i.mtime
     FROM unnest(:fileIds::uuid[], :workIds::uuid[], :paths::text[], :sizes::bigint[], :sha256s::bytea[], :crc32s::bigint[],
       :blockCrcs::bytea[], :offsets::bigint[], :modes::int[], :mtimes::timestamptz[])
       AS i(file_id, work_id, path, size, sha256, crc32, block_crcs, pack_offset, mode, mtime)`,
    {
      jobId,
      runId: run.runId,
      fileIds: rows.map((row) => row.fileId),
      workIds: rows.map((row) => row.workId),
      paths: rows.map((row) => row.path),
      sizes: column((file) => file.size),
      sha256s: column((file) => Buffer.from(file.sha256, 'hex')),
      crc32s: column((file) => file.crc32),
      blockCrcs: column((file) => file.blockCrcs),
      offsets: column((file) => file.packOffset),
      modes: column((file) => file.mode ?? null),
      mtimes: column((file) => file.mtime ?? null),
    },
  )
}

/** The job's row is locked last, as settling does. */
async function count(sql: Sql, { run, files }: Acceptance, jobId: string): Promise<Job> {
  const [job] = await sql.query<JobRow>(
    `UPDATE jobs SET files_total = files_total + :files, bytes_total = bytes_total + :bytes
     WHERE job_id = :jobId AND run_id = :runId AND (sealed_at IS NULL OR files_total = 0)
       AND state IN ('open', 'queued') AND cancel_requested_at IS NULL
     RETURNING *`,
    {
      jobId,
      runId: run.runId,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.size, 0),
    },
  )
  if (!job)
    throw new LadingError('job_state_conflict', 'job_id: the job is sealed, or has ended; open another')
  return jobFromRow(job)
}
