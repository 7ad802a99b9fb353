import { LadingError } from '@lading/protocol'
import { lost } from './arrival.ts'
import type { ArrivedSum } from './catalog.ts'
import type { Sql } from './database.ts'
import { type JobRow, jobFromRow } from './job-row.ts'
import { countSentAgain, type JobOfRun, makeWay, NONE_SENT_AGAIN, ownHeads } from './make-way.ts'
import type { Job } from './model.ts'
import { prepared } from './prepared.ts'
import { PATH, type RowsToAccept, type Source } from './rows-to-accept.ts'

/** The job that files are added to, and how they are delivered. */
export interface FilesTarget extends JobOfRun {
  readonly tenantId: string
  readonly isOpen: boolean
  readonly route: string
  /** Undefined: the store has their bytes. */
  readonly packId: string | undefined
}

/**
 * Adds files and their work to a job, as the newest of their paths; within the caller's transaction. Fails with
 * `job_state_conflict` when the job is sealed or has ended, and `catalog_unavailable` where not all rows are there.
 */
export async function addFiles(
  sql: Sql,
  target: FilesTarget,
  rows: RowsToAccept,
  sum: ArrivedSum,
): Promise<Job> {
  await insertWork(sql, target, rows.works)
  let accepted = 0
  let again = NONE_SENT_AGAIN
  for await (const page of rows.pages(sql)) {
    const before = target.isOpen ? await ownHeads(sql, target, page) : []
    await takeHeads(sql, target, page)
    again = await makeWay(sql, before, again)
    accepted += await insertFiles(sql, target, page)
  }
  if (accepted !== sum.files) throw lost()
  await countSentAgain(sql, target.jobId, again)
  return await count(sql, target, sum)
}

/**
 * Heads are taken in the order of their paths, so that two requests which share paths wait for each other and never
 * lock crosswise; who comes second has the later acceptance.
 */
async function takeHeads(sql: Sql, { runId }: FilesTarget, page: Source): Promise<void> {
  await sql.query(
    prepared(`INSERT INTO path_heads (run_id, path, head_file_id)
     SELECT :runId, ${PATH}, i.file_id FROM ${page.text}
     ORDER BY (${PATH}) COLLATE "C"
     ON CONFLICT (run_id, path) DO UPDATE SET head_file_id = excluded.head_file_id`),
    { ...page.bindings, runId },
  )
}

async function insertWork(
  sql: Sql,
  { jobId, tenantId, route, packId }: FilesTarget,
  works: Source,
): Promise<void> {
  await sql.query(
    prepared(`INSERT INTO work_items (work_id, job_id, tenant_id, route, pack_id, bytes)
     SELECT i.work_id, :jobId, :tenantId, :route, :packId, i.bytes FROM ${works.text}`),
    { ...works.bindings, jobId, tenantId, route, packId: packId ?? null },
  )
}

/** How many. */
async function insertFiles(sql: Sql, { jobId, runId }: FilesTarget, page: Source): Promise<number> {
  const [inserted] = await sql.query<{ files: number }>(
    prepared(`WITH inserted AS (
       INSERT INTO files (file_id, job_id, work_id, run_id, path, size, sha256, crc32, block_crcs, pack_offset, mode, mtime)
       SELECT i.file_id, :jobId, i.work_id, :runId, ${PATH}, i.size, i.sha256, i.crc32, i.block_crcs, i.pack_offset,
         i.mode, i.mtime FROM ${page.text}
       RETURNING 1
     ) SELECT count(*) AS files FROM inserted`),
    { ...page.bindings, jobId, runId },
  )
  return inserted?.files ?? 0
}

/** The job's row is locked last, as settling does. */
async function count(sql: Sql, { jobId, runId }: FilesTarget, { files, bytes }: ArrivedSum): Promise<Job> {
  const [job] = await sql.query<JobRow>(
    prepared(`UPDATE jobs SET files_total = files_total + :files, bytes_total = bytes_total + :bytes
     WHERE job_id = :jobId AND run_id = :runId AND (sealed_at IS NULL OR files_total = 0)
       AND state IN ('open', 'queued') AND cancel_requested_at IS NULL
     RETURNING *`),
    { jobId, runId, files, bytes },
  )
  if (!job)
    throw new LadingError('job_state_conflict', 'job_id: the job is sealed, or has ended; open another')
  return jobFromRow(job)
}
