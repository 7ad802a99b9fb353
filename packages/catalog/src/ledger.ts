import { LadingError } from '@lading/protocol'
import type { Database } from './database.ts'
import type { Ledger } from './delivery-catalog.ts'

export function ledgerOf(db: Database): Ledger {
  return {
    async intend({ fileId, jobId, object, partSize }) {
      await db.query(
        `INSERT INTO uploads (file_id, job_id, bucket, key, part_size) VALUES (:fileId, :jobId, :bucket, :key, :partSize)
         ON CONFLICT (file_id) DO NOTHING`,
        { fileId, jobId, ...object, partSize },
      )
    },
    async began(fileId, uploadId) {
      const recorded = await db.query(
        `UPDATE uploads SET upload_id = :uploadId
         WHERE file_id = :fileId AND (upload_id IS NULL OR upload_id = :uploadId) RETURNING 1`,
        { fileId, uploadId },
      )
      if (recorded.length > 0) return
      throw new LadingError(
        'lease_lost',
        `another worker began an upload of file ${fileId}, or ended the file`,
      )
    },
    async parts(fileId, uploadId, parts) {
      await db.query(
        `INSERT INTO upload_parts (file_id, part_number, etag, size, crc32)
         SELECT u.file_id, p.part_number, p.etag, p.size, p.crc32
         FROM uploads u CROSS JOIN unnest(:numbers::int[], :etags::text[], :sizes::bigint[], :crc32s::bigint[])
           AS p(part_number, etag, size, crc32)
         WHERE u.file_id = :fileId AND u.upload_id = :uploadId
         ON CONFLICT (file_id, part_number) DO UPDATE SET
           etag = excluded.etag, size = excluded.size, crc32 = excluded.crc32`,
        {
          fileId,
          uploadId,
          numbers: parts.map((part) => part.partNumber),
          etags: parts.map((part) => part.etag),
          sizes: parts.map((part) => part.size),
          crc32s: parts.map((part) => part.crc32 ?? null),
        },
      )
    },
    async forget(fileId) {
      await db.query(
        `WITH parts AS (DELETE FROM upload_parts WHERE file_id = :fileId)
         UPDATE uploads SET upload_id = NULL WHERE file_id = :fileId`,
        { fileId },
      )
    },
    async knownUploadIds(object) {
      const rows = await db.query<{ uploadId: string }>(
        'SELECT upload_id FROM uploads WHERE bucket = :bucket AND key = :key AND upload_id IS NOT NULL',
        { ...object },
      )
      return new Set(rows.map((row) => row.uploadId))
    },
  }
}
