import type { Sql } from './database.ts'
import { prepared } from './prepared.ts'
import { PATH, type Source } from './rows-to-accept.ts'

export interface JobOfRun {
  readonly jobId: string
  readonly runId: string
}

/** Files of an open job that had failed, and were sent to it again. */
interface SentAgain {
  readonly files: number
  readonly bytes: number
}

export const NONE_SENT_AGAIN: SentAgain = { files: 0, bytes: 0 }

/**
 * The job's own files that are the newest of the page's paths so far. LATERAL with LIMIT keeps this to two looks at an
 * index for each path, also where statistics are from before the run and promise one head.
 */
export async function ownHeads(sql: Sql, { jobId, runId }: JobOfRun, page: Source): Promise<string[]> {
  const rows = await sql.query<{ fileId: string }>(
    prepared(`SELECT f.file_id FROM ${page.text}
     CROSS JOIN LATERAL (SELECT head_file_id FROM path_heads WHERE run_id = :runId AND path = ${PATH} LIMIT 1) AS h
     CROSS JOIN LATERAL (
       SELECT file_id FROM files WHERE file_id = h.head_file_id AND job_id = :jobId LIMIT 1) AS f`),
    { ...page.bindings, jobId, runId },
  )
  return rows.map((row) => row.fileId)
}

/**
 * Those of the files that have failed are superseded: the job has them anew, and need not fail for them. Called when the
 * heads are locked and no longer theirs, so that one which fails after this is settled as superseded anyway.
 */
export async function makeWay(sql: Sql, fileIds: readonly string[], before: SentAgain): Promise<SentAgain> {
  if (fileIds.length === 0) return before
  const [moved] = await sql.query<SentAgain>(
    `WITH moved AS (
       UPDATE files SET state = 'superseded', error_code = 'superseded', error_detail = NULL
       WHERE file_id = ANY (:fileIds::uuid[]) AND state = 'failed' RETURNING work_id, size
     ), done AS (
       UPDATE work_items w SET state = 'done' WHERE w.work_id IN (SELECT work_id FROM moved) AND w.state = 'dead'
         AND NOT EXISTS (SELECT 1 FROM files f WHERE f.work_id = w.work_id AND f.state = 'failed'
           AND f.file_id <> ALL (:fileIds::uuid[]))
     )
     SELECT count(*)::int AS files, coalesce(sum(size), 0)::bigint AS bytes FROM moved`,
    { fileIds },
  )
  return { files: before.files + (moved?.files ?? 0), bytes: before.bytes + (moved?.bytes ?? 0) }
}

/** In the job's counters and its error. */
export async function countSentAgain(sql: Sql, jobId: string, { files, bytes }: SentAgain): Promise<void> {
  if (files === 0) return
  await sql.query(
    `UPDATE jobs j SET files_failed = files_failed - :files, files_superseded = files_superseded + :files,
       bytes_done = bytes_done + :bytes,
       (error_code, error_detail, error_path) = (
         SELECT f.error_code, f.error_detail, f.path FROM files f
         WHERE f.job_id = j.job_id AND f.state = 'failed' ORDER BY f.file_id LIMIT 1)
     WHERE job_id = :jobId`,
    { jobId, files, bytes },
  )
}
