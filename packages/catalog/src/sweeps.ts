import type { Sha256Hex } from '@lading/core'
import type { Database } from './database.ts'
import type { Deletion, LeftUpload, Sweeps } from './delivery-catalog.ts'
import type { Artifact } from './model.ts'

interface UploadRow {
  fileId: string
  bucket: string
  key: string
  uploadId: string | null
}

export function sweepsOf(db: Database): Sweeps {
  return {
    async strandedUploads(limit) {
      const rows = await db.query<UploadRow>(
        `SELECT u.file_id, u.bucket, u.key, u.upload_id FROM uploads u JOIN files f USING (file_id)
         WHERE f.state NOT IN ('spooled', 'uploading') ORDER BY u.created_at LIMIT :limit`,
        { limit },
      )
      return rows.map(({ fileId, bucket, key, uploadId }): LeftUpload => {
        return { fileId, object: { bucket, key }, begun: true, uploadId: uploadId ?? undefined }
      })
    },
    async dropUpload(fileId) {
      await db.query(
        `DELETE FROM uploads u USING files f
         WHERE u.file_id = :fileId AND f.file_id = u.file_id AND f.state NOT IN ('spooled', 'uploading')`,
        { fileId },
      )
    },
    async doubtfulArtifacts(limit) {
      const rows = await db.query<Omit<Artifact, 'sha256'> & { sha256: Buffer }>(
        `SELECT a.run_id, a.path, a.size, a.sha256, a.crc32, a.bucket, a.key, a.etag, a.job_id, a.stored_at, a.state
         FROM artifacts a LEFT JOIN path_heads h ON h.run_id = a.run_id AND h.path = a.path
         WHERE a.state = 'replacing' AND h.writer_file_id IS NULL LIMIT :limit`,
        { limit },
      )
      return rows.map((row) => ({ ...row, sha256: row.sha256.toString('hex') as Sha256Hex }))
    },
    async resolveDoubt(artifact, stillTrue) {
      const nobodyReplacesIt = `a.run_id = :runId AND a.path = :path AND a.etag = :etag AND a.state = 'replacing' AND NOT EXISTS (
        SELECT 1 FROM path_heads h WHERE h.run_id = a.run_id AND h.path = a.path AND h.writer_file_id IS NOT NULL)`
      const { runId, path, etag } = artifact
      await db.query(
        stillTrue
          ? `UPDATE artifacts a SET state = 'stored' WHERE ${nobodyReplacesIt}`
          : `DELETE FROM artifacts a WHERE ${nobodyReplacesIt}`,
        { runId, path, etag },
      )
    },
    async takeDeletions(limit, leaseMs) {
      const rows = await db.query<Omit<Deletion, 'object'> & { bucket: string; key: string }>(
        `UPDATE deletions d SET leased_until = now() + :leaseMs * interval '1 ms', attempts = d.attempts + 1
         FROM (
           SELECT run_id, path FROM deletions
           WHERE available_at <= now() AND (leased_until IS NULL OR leased_until < now())
           ORDER BY available_at LIMIT :limit FOR UPDATE SKIP LOCKED
         ) due
         WHERE d.run_id = due.run_id AND d.path = due.path
           AND NOT EXISTS (SELECT 1 FROM path_heads h WHERE h.run_id = d.run_id AND h.path = d.path AND h.writer_file_id IS NOT NULL)
         RETURNING d.run_id, d.path, d.bucket, d.key, d.etag, d.attempts`,
        { limit, leaseMs },
      )
      return rows.map(({ bucket, key, ...rest }) => ({ ...rest, object: { bucket, key } }))
    },
    async deletionDone({ runId, path }) {
      await db.query(
        'DELETE FROM deletions WHERE run_id = :runId AND path = :path AND leased_until IS NOT NULL',
        {
          runId,
          path,
        },
      )
    },
    async deletionFailed({ runId, path }, detail, delayMs) {
      await db.query(
        `UPDATE deletions SET leased_until = NULL, available_at = now() + :delayMs * interval '1 ms', last_error = :detail
         WHERE run_id = :runId AND path = :path`,
        { runId, path, detail, delayMs },
      )
    },
    async forgetIdempotencyKeys(olderThanMs) {
      const rows = await db.query(
        `DELETE FROM idempotency_keys WHERE created_at < now() - :olderThanMs * interval '1 ms'
           AND (locked_until IS NULL OR locked_until < now()) RETURNING 1`,
        { olderThanMs },
      )
      return rows.length
    },
    async forgetWorkers(olderThanMs) {
      await db.query(`DELETE FROM workers WHERE seen_at < now() - :olderThanMs * interval '1 ms'`, {
        olderThanMs,
      })
    },
  }
}
