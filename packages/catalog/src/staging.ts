import type { Crc32, Sha256Hex } from '@lading/core'
import type { Database } from './database.ts'
import type { Move, Staging } from './delivery-catalog.ts'

interface MoveRow {
  fileId: string
  path: string
  size: number
  sha256: Buffer
  crc32: number
  bucket: string
  fromKey: string
  toKey: string
}

export function stagingOf(db: Database): Staging {
  return {
    async takeMoves(limit, leaseMs) {
      const rows = await db.query<MoveRow>(TAKE_MOVES, { limit, leaseMs })
      return rows.map(moveOf)
    },
    async moved({ fileId, to }, etag) {
      await db.query(
        `WITH moved AS (
           UPDATE artifacts a SET key = :key, etag = :etag, verified_at = NULL, rotted_at = NULL, rot = NULL FROM staging s
           WHERE s.file_id = :fileId AND a.file_id = s.file_id AND a.key = s.key AND s.moving_until >= now()
         )
         UPDATE path_heads h SET writer_file_id = NULL FROM files f
         WHERE f.file_id = :fileId AND h.run_id = f.run_id AND h.path = f.path AND h.writer_file_id = f.file_id`,
        { fileId, key: to.key, etag },
      )
    },
    async useless(olderThanMs, limit) {
      const rows = await db.query<{ fileId: string; bucket: string; key: string }>(
        `SELECT s.file_id, s.bucket, s.key FROM staging s JOIN files f USING (file_id) JOIN jobs j ON j.job_id = f.job_id
         WHERE f.state NOT IN ('spooled', 'uploading')
           AND NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.file_id = s.file_id AND a.key = s.key)
           AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.file_id = s.file_id)
           AND (NOT EXISTS (SELECT 1 FROM unpublished u WHERE u.file_id = s.file_id)
             OR (j.state IN ('failed', 'cancelled') AND j.ended_at < now() - :olderThanMs * interval '1 ms'))
         LIMIT :limit`,
        { olderThanMs, limit },
      )
      return rows.map(({ fileId, bucket, key }) => ({ fileId, object: { bucket, key } }))
    },
    async forget(fileId) {
      await db.query(
        `WITH held_back AS (DELETE FROM unpublished WHERE file_id = :fileId) DELETE FROM staging WHERE file_id = :fileId`,
        { fileId },
      )
    },
    async expireUnpublished(olderThanMs, limit) {
      const rows = await db.query(
        `WITH expired AS (
           DELETE FROM unpublished WHERE file_id IN (
             SELECT u.file_id FROM unpublished u JOIN jobs j USING (job_id) LEFT JOIN staging s USING (file_id)
             WHERE s.file_id IS NULL AND j.state IN ('failed', 'cancelled')
               AND j.ended_at < now() - :olderThanMs * interval '1 ms' LIMIT :limit
           ) RETURNING *
         )
         INSERT INTO deletions (run_id, path, bucket, key, file_id)
         SELECT f.run_id, f.path, e.bucket, e.key, e.file_id FROM expired e JOIN files f USING (file_id)
         WHERE f.path NOT LIKE '%/' RETURNING 1`,
        { olderThanMs, limit },
      )
      return rows.length
    },
  }
}

/**
 * The head's row is locked and the file made the key's writer, as beginning does: nobody else writes the key meanwhile.
 * A move whose time ran out is taken anew.
 */
const TAKE_MOVES = `
WITH due AS MATERIALIZED (
  SELECT s.file_id, h.run_id, h.path FROM staging s
  JOIN artifacts a ON a.file_id = s.file_id AND a.key = s.key
  JOIN path_heads h ON h.run_id = a.run_id AND h.path = a.path
  WHERE (s.moving_until IS NULL OR s.moving_until < now()) AND NOT EXISTS (
      SELECT 1 FROM files n WHERE n.file_id = h.head_file_id AND n.file_id <> s.file_id AND n.state IN ('spooled', 'uploading'))
    AND (h.writer_file_id IS NULL OR h.writer_file_id = s.file_id)
  LIMIT :limit FOR UPDATE OF s, h SKIP LOCKED
), taken AS (
  UPDATE staging s SET moving_until = now() + :leaseMs * interval '1 ms' FROM due WHERE s.file_id = due.file_id RETURNING s.*
), writer AS (
  UPDATE path_heads h SET writer_file_id = due.file_id FROM due WHERE h.run_id = due.run_id AND h.path = due.path
)
SELECT t.file_id, f.path, f.size, f.sha256, f.crc32, t.bucket, t.key AS from_key, r.prefix || f.path AS to_key
FROM taken t JOIN files f USING (file_id) JOIN runs r ON r.run_id = f.run_id`

function moveOf({ fileId, path, size, sha256, crc32, bucket, fromKey, toKey }: MoveRow): Move {
  return {
    fileId,
    path,
    facts: { size, sha256: sha256.toString('hex') as Sha256Hex, crc32: crc32 as Crc32 },
    from: { bucket, key: fromKey },
    to: { bucket, key: toKey },
  }
}
