import type { Database } from './database.ts'
import type { Packs } from './delivery-catalog.ts'

export function packsOf(db: Database): Packs {
  return {
    async status(packIds) {
      const rows = await db.query<{ packId: string; status: 'needed' | 'free' | 'unknown' }>(
        `SELECT asked.pack_id, CASE
             WHEN p.pack_id IS NULL AND EXISTS (
               SELECT 1 FROM resumable_uploads r WHERE r.upload_id = asked.pack_id) THEN 'needed'
             WHEN p.pack_id IS NULL THEN 'unknown'
             WHEN p.dropped_at IS NULL AND EXISTS (
               SELECT 1 FROM work_items w WHERE w.pack_id = p.pack_id AND w.state <> 'done') THEN 'needed'
             ELSE 'free' END AS status
         FROM unnest(:packIds::uuid[]) AS asked(pack_id) LEFT JOIN packs p USING (pack_id)`,
        { packIds },
      )
      return new Map(rows.map((row) => [row.packId, row.status]))
    },
    async forgetResumable(spoolId) {
      const rows = await db.query(
        `DELETE FROM resumable_uploads WHERE spool_id = :spoolId AND expires_at < now()
           AND (held_until IS NULL OR held_until < now()) RETURNING 1`,
        { spoolId },
      )
      return rows.length
    },
    async expired(spoolId, olderThanMs, limit) {
      // The job's lock orders this with a retry, which takes it first and then looks at dropped_at.
      const rows = await db.query<{ packId: string }>(
        `UPDATE packs SET dropped_at = now() WHERE pack_id IN (
           SELECT p.pack_id FROM packs p JOIN jobs j USING (job_id)
           WHERE p.spool_id = :spoolId AND p.dropped_at IS NULL
             AND p.created_at < now() - :olderThanMs * interval '1 ms'
             AND j.ended_at < now() - :olderThanMs * interval '1 ms'
           LIMIT :limit FOR UPDATE OF p, j SKIP LOCKED
         ) RETURNING pack_id`,
        { spoolId, olderThanMs, limit },
      )
      return rows.map((row) => row.packId)
    },
    async dropped(packIds) {
      await db.query(
        'UPDATE packs SET dropped_at = now() WHERE pack_id = ANY (:packIds::uuid[]) AND dropped_at IS NULL',
        { packIds },
      )
    },
  }
}
