import type { Crc32, Sha256Hex } from '@lading/core'
import type { Database } from './database.ts'
import type { Deletion, DoubtfulArtifact, LeftUpload, Sweeps } from './delivery-catalog.ts'
import { IS_LIVE } from './file-states.ts'
import type { Hints } from './hints.ts'
import { endOverlooked } from './job-end.ts'
import { failOverdueJobs } from './overdue.ts'
import { addUpUsage } from './quotas.ts'

interface DeletionRow extends Omit<Deletion, 'object' | 'onlyIf'> {
  bucket: string
  key: string
  etag: string | null
  /** Of the file that may have left the object, where there is no ETag. */
  size: number
  sha256: Buffer
  crc32: number
}

interface DoubtfulRow extends Omit<DoubtfulArtifact, 'sha256' | 'mode' | 'mtime'> {
  sha256: Buffer
  mode: number | null
  mtime: Date | null
}

interface UploadRow {
  fileId: string
  bucket: string
  key: string
  uploadId: string | null
}

/** Uploads and doubts are drawn by lot, so that those which cannot be cleared up never keep all others waiting. */
export function sweepsOf(db: Database, hints: Hints): Sweeps {
  return {
    async publishable(limit) {
      const rows = await db.query<{ jobId: string }>(
        `SELECT job_id FROM jobs WHERE atomic AND state IN ('queued', 'running') AND sealed_at IS NOT NULL
           AND cancel_requested_at IS NULL AND error_code IS DISTINCT FROM 'deadline_passed'
           AND files_stored + files_superseded = files_total LIMIT :limit`,
        { limit },
      )
      return rows.map((row) => row.jobId)
    },
    failOverdueJobs: () => failOverdueJobs(db, hints),
    endJobs: () => endOverlooked(db, hints),
    async strandedUploads(limit) {
      const rows = await db.query<UploadRow>(
        `SELECT u.file_id, u.bucket, u.key, u.upload_id FROM uploads u JOIN files f USING (file_id)
         LEFT JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
         WHERE NOT f.state ${IS_LIVE} AND (u.upload_id IS NOT NULL OR h.writer_file_id IS NULL)
         ORDER BY random() LIMIT :limit`,
        { limit },
      )
      return rows.map(({ fileId, bucket, key, uploadId }): LeftUpload => {
        return { fileId, object: { bucket, key }, begun: true, uploadId: uploadId ?? undefined }
      })
    },
    async dropUpload(fileId) {
      await db.query(
        `DELETE FROM uploads u USING files f
         WHERE u.file_id = :fileId AND f.file_id = u.file_id AND NOT f.state ${IS_LIVE}`,
        { fileId },
      )
    },
    async doubtfulArtifacts(limit) {
      const rows = await db.query<DoubtfulRow>(
        `SELECT a.run_id, a.path, a.size, a.sha256, a.crc32, a.bucket, a.key, a.etag, a.mode, a.mtime, a.job_id, a.stored_at, a.state, a.writers
         FROM artifacts a JOIN path_heads h ON h.run_id = a.run_id AND h.path = a.path
         WHERE a.state = 'replacing' AND h.writer_file_id IS NULL ORDER BY random() LIMIT :limit`,
        { limit },
      )
      return rows.map(({ sha256, mode, mtime, ...row }) => ({
        ...row,
        sha256: sha256.toString('hex') as Sha256Hex,
        mode: mode ?? undefined,
        mtime: mtime ?? undefined,
      }))
    },
    async resolveDoubt({ runId, path, etag, writers }, stillTrue) {
      await db.query(
        `WITH head AS MATERIALIZED (
           SELECT run_id, path FROM path_heads
           WHERE run_id = :runId AND path = :path AND writer_file_id IS NULL FOR UPDATE
         )
         ${stillTrue ? `UPDATE artifacts a SET state = 'stored' FROM head` : 'DELETE FROM artifacts a USING head'}
         WHERE a.run_id = head.run_id AND a.path = head.path AND a.state = 'replacing'
           AND a.etag = :etag AND a.writers = :writers`,
        { runId, path, etag, writers },
      )
    },
    async takeDeletions(limit, leaseMs) {
      const rows = await db.query<DeletionRow>(TAKE_DELETIONS, { limit, leaseMs })
      return rows.map(deletion)
    },
    async deletionDone({ deletionId, attempts }) {
      await db.query('DELETE FROM deletions WHERE deletion_id = :deletionId AND attempts = :attempts', {
        deletionId,
        attempts,
      })
    },
    async deletionFailed({ deletionId, attempts }, detail, delayMs) {
      await db.query(
        `UPDATE deletions SET leased_until = NULL, available_at = now() + :delayMs * interval '1 ms', last_error = :detail
         WHERE deletion_id = :deletionId AND attempts = :attempts`,
        { deletionId, attempts, detail, delayMs },
      )
    },
    addUpUsage: () => addUpUsage(db),
    async forgetIdempotencyKeys(olderThanMs) {
      const rows = await db.query(
        `DELETE FROM idempotency_keys WHERE created_at < now() - :olderThanMs * interval '1 ms'
           AND (locked_until IS NULL OR locked_until < now()) RETURNING 1`,
        { olderThanMs },
      )
      return rows.length
    },
    async forgetArrivals(olderThanMs) {
      await db.query(`DELETE FROM arrivals WHERE seen_at < now() - :olderThanMs * interval '1 ms'`, {
        olderThanMs,
      })
    },
    async forgetWorkers(olderThanMs) {
      await db.query(`DELETE FROM workers WHERE seen_at < now() - :olderThanMs * interval '1 ms'`, {
        olderThanMs,
      })
    },
  }
}

/**
 * The heads' rows are locked, as beginning does: no deletion is taken while its key has a writer, and no writer begins
 * while one is taken. Where an artifact is stored by now, the deletion is void; where one is in doubt, it waits.
 */
const TAKE_DELETIONS = `
WITH due AS MATERIALIZED (
  SELECT d.deletion_id, a.run_id IS NOT NULL AS void
  FROM deletions d JOIN path_heads h ON h.run_id = d.run_id AND h.path = d.path
  LEFT JOIN artifacts a ON a.run_id = d.run_id AND a.path = d.path
  WHERE d.available_at <= now() AND (d.leased_until IS NULL OR d.leased_until < now())
    AND h.writer_file_id IS NULL AND a.state IS DISTINCT FROM 'replacing'
  ORDER BY d.available_at LIMIT :limit FOR UPDATE OF d, h SKIP LOCKED
), voided AS (
  DELETE FROM deletions d USING due WHERE d.deletion_id = due.deletion_id AND due.void
), taken AS (
  UPDATE deletions d SET leased_until = now() + :leaseMs * interval '1 ms', attempts = d.attempts + 1
  FROM due WHERE d.deletion_id = due.deletion_id AND NOT due.void
  RETURNING d.*
)
SELECT t.deletion_id, t.run_id, t.path, t.bucket, t.key, t.etag, t.attempts, f.size, f.sha256, f.crc32
FROM taken t LEFT JOIN files f ON f.file_id = t.file_id`

function deletion(row: DeletionRow): Deletion {
  const { bucket, key, etag, size, sha256, crc32, ...rest } = row
  return {
    ...rest,
    object: { bucket, key },
    onlyIf:
      etag === null ? { size, sha256: sha256.toString('hex') as Sha256Hex, crc32: crc32 as Crc32 } : { etag },
  }
}
