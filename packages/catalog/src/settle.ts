import type { Ticket } from '@lading/core'
import type { Database } from './database.ts'
import type { Outcome, Settled } from './delivery-catalog.ts'
import type { Hints } from './hints.ts'
import { COUNT_MOVED } from './job-count.ts'

/** One statement: see `Deliveries.settle`. */
export async function settle(
  db: Database,
  hints: Hints,
  ticket: Ticket,
  outcomes: readonly Outcome[],
): Promise<Settled> {
  const rows = await db.query<{ jobId: string; moved: number; ended: boolean; packIds: string[] }>(SETTLE, {
    ...ticket,
    fileIds: outcomes.map((outcome) => outcome.fileId),
    states: outcomes.map((outcome) => outcome.state),
    codes: outcomes.map((outcome) => (outcome.state === 'failed' ? outcome.code : codeOf(outcome))),
    details: outcomes.map((outcome) => (outcome.state === 'failed' ? outcome.detail : null)),
    buckets: outcomes.map((outcome) => (outcome.state === 'stored' ? outcome.object.bucket : null)),
    keys: outcomes.map((outcome) => (outcome.state === 'stored' ? outcome.object.key : null)),
    etags: outcomes.map((outcome) => (outcome.state === 'stored' ? outcome.etag : null)),
  })
  const [row] = rows
  hints.workIsReady()
  if (!row || row.moved === 0) return { moved: 0, freePacks: [] }
  if (row.ended) hints.jobsChanged([row.jobId])
  return { moved: row.moved, freePacks: await freeOf(db, row.packIds) }
}

/** See `Deliveries.settleLeft`: the file's work must not be held, so no epoch is asked for. */
export async function settleLeft(db: Database, hints: Hints, fileId: string): Promise<void> {
  const rows = await db.query<{ jobId: string }>(
    `WITH moved AS (
       UPDATE files f SET state = 'superseded', error_code = 'superseded', ended_at = now()
       FROM work_items w, path_heads h
       WHERE f.file_id = :fileId AND f.state IN ('spooled', 'uploading') AND w.work_id = f.work_id
         AND NOT (w.state = 'leased' AND w.taken_at IS NOT NULL AND w.lease_expires_at > now())
         AND h.run_id = f.run_id AND h.path = f.path AND h.head_file_id <> f.file_id
       RETURNING f.*
     ), freed AS (
       UPDATE path_heads h SET writer_file_id = NULL FROM moved m
       WHERE h.run_id = m.run_id AND h.path = m.path AND h.writer_file_id = m.file_id
     ), closed AS (
       DELETE FROM uploads u USING moved m WHERE u.file_id = m.file_id
     ), ${COUNT_MOVED}
     SELECT job_id FROM counted WHERE ended_at IS NOT NULL`,
    { fileId },
  )
  hints.jobsChanged(rows.map((row) => row.jobId))
}

function codeOf(outcome: Outcome): string | null {
  return outcome.state === 'stored' ? null : outcome.state
}

async function freeOf(db: Database, packIds: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ packId: string }>(
    `SELECT p.pack_id FROM unnest(:packIds::uuid[]) AS p(pack_id)
     WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.pack_id = p.pack_id AND f.state IN ('spooled', 'uploading', 'failed'))`,
    { packIds },
  )
  return rows.map((row) => row.packId)
}

/**
 * `fence` gives nothing when the epoch has passed, and then nothing moves. A file moves once: a second time it is no
 * longer in a state to move from, and counts nothing.
 */
const SETTLE = `
WITH fence AS (
  SELECT work_id, job_id FROM work_items WHERE work_id = :workId AND epoch = :epoch AND state = 'leased' FOR UPDATE
), outcome AS (
  SELECT * FROM unnest(:fileIds::uuid[], :states::text[], :codes::text[], :details::text[], :buckets::text[],
    :keys::text[], :etags::text[]) AS o(file_id, state, code, detail, bucket, key, etag)
), moved AS (
  UPDATE files f SET state = o.state, error_code = o.code, error_detail = o.detail, ended_at = now()
  FROM outcome o, fence
  WHERE f.file_id = o.file_id AND f.work_id = fence.work_id AND f.state IN ('spooled', 'uploading')
  RETURNING f.*
), catalogued AS (
  INSERT INTO artifacts (run_id, path, tenant_id, file_id, job_id, size, sha256, crc32, bucket, key, etag)
  SELECT m.run_id, m.path, j.tenant_id, m.file_id, m.job_id, m.size, m.sha256, m.crc32, o.bucket, o.key, o.etag
  FROM moved m JOIN outcome o USING (file_id) JOIN jobs j ON j.job_id = m.job_id
  WHERE m.state = 'stored'
  ON CONFLICT (run_id, path) DO UPDATE SET file_id = excluded.file_id, job_id = excluded.job_id, size = excluded.size,
    sha256 = excluded.sha256, crc32 = excluded.crc32, bucket = excluded.bucket, key = excluded.key,
    etag = excluded.etag, state = 'stored', stored_at = now()
), freed AS (
  UPDATE path_heads h SET writer_file_id = NULL FROM moved m
  WHERE h.run_id = m.run_id AND h.path = m.path AND h.writer_file_id = m.file_id
), closed AS (
  DELETE FROM uploads u USING moved m WHERE u.file_id = m.file_id AND m.state = 'stored'
), undeleted AS (
  DELETE FROM deletions d USING moved m WHERE d.run_id = m.run_id AND d.path = m.path AND m.state = 'stored'
), ${COUNT_MOVED}, finished AS (
  UPDATE work_items w SET state = CASE WHEN EXISTS (SELECT 1 FROM moved WHERE state = 'failed') THEN 'dead' ELSE 'done' END,
    lease_expires_at = NULL
  FROM fence
  WHERE w.work_id = fence.work_id AND (SELECT count(*) FROM moved) = (
    SELECT count(*) FROM files f WHERE f.work_id = fence.work_id AND f.state IN ('spooled', 'uploading'))
)
SELECT fence.job_id, (SELECT count(*)::int FROM moved) AS moved,
  coalesce((SELECT ended_at IS NOT NULL FROM counted), false) AS ended,
  ARRAY(SELECT DISTINCT pack_id FROM moved) AS pack_ids
FROM fence`
