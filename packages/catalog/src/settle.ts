import type { Ticket } from '@lading/core'
import { CATALOGUE_SHOWN } from './catalogue-shown.ts'
import type { Database } from './database.ts'
import type { Outcome, Settled } from './delivery-catalog.ts'
import { IS_LIVE, mayBecome } from './file-states.ts'
import type { Hints } from './hints.ts'
import { COUNT_MOVED } from './job-count.ts'
import { prepared } from './prepared.ts'
import { RELEASE_KEYS } from './release-keys.ts'

interface SettledRow {
  jobId: string
  /** Null: the store had the bytes. */
  packId: string | null
  moved: number
  ended: boolean
  toPublish: boolean
}

/** One statement: see `Deliveries.settle`. */
export async function settle(
  db: Database,
  hints: Hints,
  ticket: Ticket,
  outcomes: readonly Outcome[],
): Promise<Settled> {
  const [row] = await db.query<SettledRow>(SETTLE, {
    ...ticket,
    fileIds: outcomes.map((outcome) => outcome.fileId),
    states: outcomes.map((outcome) => outcome.state),
    codes: outcomes.map((outcome) => (outcome.state === 'failed' ? outcome.code : codeOf(outcome))),
    details: outcomes.map((outcome) => (outcome.state === 'failed' ? outcome.detail : null)),
    buckets: outcomes.map((outcome) => (outcome.state === 'stored' ? outcome.object.bucket : null)),
    keys: outcomes.map((outcome) => (outcome.state === 'stored' ? outcome.object.key : null)),
    etags: outcomes.map((outcome) => (outcome.state === 'stored' ? outcome.etag : null)),
  })
  hints.workIsReady()
  if (!row) return { moved: 0, freePacks: [], publish: undefined }
  if (row.ended) hints.jobsChanged([row.jobId])
  return {
    moved: row.moved,
    freePacks: row.packId !== null && (await isFree(db, row.packId)) ? [row.packId] : [],
    publish: row.toPublish ? row.jobId : undefined,
  }
}

/** See `Deliveries.settleLeft`: a newer file was accepted for its path, so whoever takes the work cannot write it. */
export async function settleLeft(db: Database, hints: Hints, fileId: string): Promise<void> {
  const rows = await db.query<{ jobId: string }>(
    `WITH head AS MATERIALIZED (
       SELECT h.run_id FROM files f JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
       WHERE f.file_id = :fileId AND h.head_file_id <> f.file_id FOR UPDATE OF h
     ), moved AS (
       UPDATE files f SET state = 'superseded', error_code = 'superseded', ended_at = now()
       FROM work_items w, head
       WHERE f.file_id = :fileId AND f.state ${IS_LIVE} AND w.work_id = f.work_id
         AND NOT (w.state = 'leased' AND w.taken_at IS NOT NULL)
       RETURNING f.file_id, f.job_id, f.run_id, f.path, f.size, f.state, f.error_code, f.error_detail
     ), ${RELEASE_KEYS}, closed AS (
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

async function isFree(db: Database, packId: string): Promise<boolean> {
  const needed = await db.query(
    prepared(`SELECT 1 FROM work_items WHERE pack_id = :packId AND state <> 'done' LIMIT 1`),
    { packId },
  )
  return needed.length === 0
}

const ENDS = ['stored', 'failed', 'superseded', 'cancelled'] as const

/**
 * `fence` gives nothing when the epoch has passed, and then nothing moves. A file moves once: a second time it is no
 * longer in a state to move from, and counts nothing. The heads' rows are locked in the order of their paths, as
 * accepting and beginning do, so that none of them waits for another crosswise. A file that failed when a newer one had
 * been accepted for its path was superseded before.
 */
const SETTLE = prepared(`
WITH fence AS MATERIALIZED (
  SELECT w.work_id, w.job_id, w.pack_id, j.atomic FROM work_items w JOIN jobs j USING (job_id)
  WHERE w.work_id = :workId AND w.epoch = :epoch AND w.state = 'leased' FOR UPDATE OF w
), outcome AS MATERIALIZED (
  SELECT * FROM unnest(:fileIds::uuid[], :states::text[], :codes::text[], :details::text[], :buckets::text[],
    :keys::text[], :etags::text[]) AS o(file_id, state, code, detail, bucket, key, etag)
), heads AS MATERIALIZED (
  SELECT o.*, o.state = 'failed' AND h.head_file_id <> f.file_id AS outdated FROM fence CROSS JOIN outcome o
  JOIN files f ON f.file_id = o.file_id AND f.work_id = fence.work_id
  JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
  WHERE f.state ${IS_LIVE} ORDER BY h.run_id, h.path FOR UPDATE OF h
), moved AS (
  UPDATE files f SET state = CASE WHEN o.outdated THEN 'superseded' ELSE o.state END,
    error_code = CASE WHEN o.outdated THEN 'superseded' ELSE o.code END,
    error_detail = CASE WHEN NOT o.outdated THEN o.detail END, ended_at = now()
  FROM heads o, fence
  WHERE f.file_id = o.file_id AND f.work_id = fence.work_id AND f.state ${IS_LIVE}
    AND (${ENDS.map((end) => `o.state = '${end}' AND f.state ${mayBecome(end)}`).join(' OR ')})
  RETURNING f.file_id, f.job_id, f.run_id, f.path, f.size, f.sha256, f.crc32, f.state, f.error_code, f.error_detail,
    f.mode, f.mtime, f.tenant_id, o.bucket, o.key, o.etag, fence.atomic
), shown AS (
  SELECT * FROM moved WHERE state = 'stored' AND NOT atomic
), ${CATALOGUE_SHOWN}, held_back AS (
  INSERT INTO unpublished (file_id, job_id, tenant_id, bucket, key, etag)
  SELECT file_id, job_id, tenant_id, bucket, key, etag FROM moved WHERE state = 'stored' AND atomic
), ${RELEASE_KEYS}, closed AS (
  DELETE FROM uploads u USING moved m WHERE u.file_id = m.file_id AND m.state = 'stored'
), undeleted AS (
  DELETE FROM deletions d USING shown s WHERE d.run_id = s.run_id AND d.path = s.path
), ${COUNT_MOVED}, finished AS (
  UPDATE work_items w SET lease_expires_at = NULL, state = CASE
    WHEN EXISTS (SELECT 1 FROM moved WHERE state = 'failed')
      OR EXISTS (SELECT 1 FROM files f WHERE f.work_id = fence.work_id AND f.state = 'failed') THEN 'dead'
    ELSE 'done' END
  FROM fence
  WHERE w.work_id = fence.work_id AND (SELECT count(*) FROM moved) = (
    SELECT count(*) FROM files f WHERE f.work_id = fence.work_id AND f.state ${IS_LIVE})
)
SELECT fence.job_id, fence.pack_id, (SELECT count(*)::int FROM moved) AS moved,
  coalesce((SELECT ended_at IS NOT NULL FROM counted), false) AS ended,
  coalesce((SELECT to_publish FROM counted), false) AS to_publish
FROM fence`)
