import type { Crc32, Sha256Hex } from '@lading/core'
import { ticketBindings } from './backlog.ts'
import type { Database } from './database.ts'
import type { DeliverableFile, HeldWork, Leases } from './delivery-catalog.ts'
import { IS_LIVE } from './file-states.ts'
import type { Hints } from './hints.ts'
import { prepared } from './prepared.ts'

interface TakenRow {
  jobId: string
  tenantId: string
  attempts: number
  expiries: number
  ageMs: number
  cancelRequested: boolean
  fileId: string | null
  path: string
  size: number
  sha256: Buffer
  crc32: number
  blockCrcs: Buffer
  packId: string | null
  packOffset: number
  bucket: string
  key: string
  uploadId: string | null
  partSize: number | null
}

export function leasesOf(db: Database, hints: Hints): Leases {
  return {
    async take(ticket, workerId, leaseMs) {
      const rows = await db.query<TakenRow>(TAKE, { ...ticket, workerId, leaseMs })
      const [work] = rows
      if (!work) return undefined
      const { jobId, tenantId, attempts, expiries, ageMs, cancelRequested } = work
      return {
        ticket,
        jobId,
        tenantId,
        attempts,
        expiries,
        ageMs,
        cancelRequested,
        files: rows.filter((row) => row.fileId !== null).map(deliverable),
      }
    },
    async heartbeat(tickets, leaseMs) {
      return await db.query<HeldWork>(HEARTBEAT, { ...ticketBindings(tickets), leaseMs })
    },
    async handBack(ticket, { delayMs, burn, error }) {
      await db.query(
        `UPDATE work_items SET state = 'ready', available_at = now() + :delayMs * interval '1 ms', lease_expires_at = NULL,
           taken_at = NULL, worker_id = NULL, attempts = attempts - CASE WHEN :burn THEN 0 ELSE 1 END,
           last_error_code = coalesce(:code, last_error_code), last_error = coalesce(:detail, last_error)
         WHERE work_id = :workId AND epoch = :epoch AND state = 'leased'`,
        { ...ticket, delayMs, burn, code: error?.code ?? null, detail: error?.detail ?? null },
      )
      hints.workIsReady()
    },
  }
}

const TAKE = prepared(`
WITH taken AS (
  UPDATE work_items SET taken_at = now(), worker_id = :workerId, attempts = attempts + 1,
    lease_expires_at = now() + :leaseMs * interval '1 ms'
  WHERE work_id = :workId AND epoch = :epoch AND state = 'leased' AND taken_at IS NULL
  RETURNING *
)
SELECT t.job_id, t.tenant_id, t.attempts, t.expiries, (extract(epoch FROM now() - t.created_at) * 1000)::float8 AS age_ms,
  j.cancel_requested_at IS NOT NULL AS cancel_requested,
  f.file_id, f.path, f.size, f.sha256, f.crc32, f.block_crcs, t.pack_id, f.pack_offset,
  r.bucket, coalesce(s.key, r.prefix || f.path) AS key, u.upload_id, u.part_size
FROM taken t
JOIN jobs j ON j.job_id = t.job_id
JOIN runs r ON r.run_id = j.run_id
LEFT JOIN files f ON f.work_id = t.work_id AND f.state ${IS_LIVE}
LEFT JOIN uploads u ON u.file_id = f.file_id
LEFT JOIN staging s ON s.file_id = f.file_id
ORDER BY f.pack_offset, f.file_id`)

const HEARTBEAT = prepared(`
WITH kept AS (
  UPDATE work_items w SET lease_expires_at = now() + :leaseMs * interval '1 ms'
  FROM (
    SELECT w.work_id FROM work_items w JOIN unnest(:workIds::uuid[], :epochs::int[]) AS t(work_id, epoch) USING (work_id)
    WHERE w.epoch = t.epoch AND w.state = 'leased' ORDER BY w.work_id FOR UPDATE OF w
  ) held
  WHERE w.work_id = held.work_id
  RETURNING w.work_id, w.job_id
)
SELECT k.work_id, j.cancel_requested_at IS NOT NULL AS cancel_requested, ARRAY(
  SELECT f.file_id FROM files f JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
  WHERE f.work_id = k.work_id AND f.state ${IS_LIVE} AND h.head_file_id <> f.file_id
) AS superseded_files
FROM kept k JOIN jobs j ON j.job_id = k.job_id`)

function deliverable(row: TakenRow): DeliverableFile {
  return {
    fileId: row.fileId ?? '',
    path: row.path,
    size: row.size,
    sha256: row.sha256.toString('hex') as Sha256Hex,
    crc32: row.crc32 as Crc32,
    blockCrcs: row.blockCrcs,
    packId: row.packId ?? undefined,
    packOffset: row.packOffset,
    object: { bucket: row.bucket, key: row.key },
    isDirectory: row.path.endsWith('/'),
    upload:
      row.partSize === null ? undefined : { uploadId: row.uploadId ?? undefined, partSize: row.partSize },
  }
}
