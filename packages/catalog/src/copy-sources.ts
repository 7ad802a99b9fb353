import type { Database } from './database.ts'
import type { CopySource } from './delivery-catalog.ts'

/** Where one has been deleted or damaged, another may still be good. */
const SOURCES = 3

/** See `Deliveries.copySources`. Asked when the copy is made: what was there when it was planned may be another by now. */
export async function copySourcesOf(db: Database, fileId: string): Promise<CopySource[]> {
  const rows = await db.query<{ bucket: string; key: string; etag: string }>(
    `SELECT a.bucket, a.key, a.etag FROM files f JOIN runs r USING (run_id)
     CROSS JOIN LATERAL (
       SELECT bucket, key, etag FROM artifacts
       WHERE tenant_id = r.tenant_id AND sha256 = f.sha256 AND path NOT LIKE '%/'
         AND size = f.size AND bucket = r.bucket AND state = 'stored' AND rotted_at IS NULL LIMIT ${SOURCES}
     ) a
     WHERE f.file_id = :fileId`,
    { fileId },
  )
  return rows.map(({ bucket, key, etag }) => ({ object: { bucket, key }, etag }))
}
