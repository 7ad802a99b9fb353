import type { Ticket } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Database, Sql } from './database.ts'
import type { Beginning, LeftUpload } from './delivery-catalog.ts'

interface Head {
  fileId: string
  headFileId: string
  writerFileId: string | null
}

interface Writer {
  fileId: string
  alive: boolean
  bucket: string
  key: string
  begun: boolean
  uploadId: string | null
}

/**
 * One key has one writer at a time. The heads' rows are locked in the order of their paths, as accepting does; under
 * that lock a file either is what was accepted last for its path and becomes the writer, or steps back.
 */
export async function begin(db: Database, ticket: Ticket, fileIds: readonly string[]): Promise<Beginning[]> {
  return await db.transaction(async (sql) => {
    await checkLease(sql, ticket)
    const heads = await sql.query<Head>(
      `SELECT f.file_id, h.head_file_id, h.writer_file_id
       FROM files f JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
       WHERE f.file_id = ANY (:fileIds::uuid[]) AND f.work_id = :workId AND f.state IN ('spooled', 'uploading')
       ORDER BY h.run_id, h.path FOR UPDATE OF h`,
      { fileIds, workId: ticket.workId },
    )
    const writers = await otherWriters(sql, heads)
    const verdicts = heads.map((head) => judge(head, writers))
    const going = verdicts.filter((verdict) => verdict.verdict === 'go').map((verdict) => verdict.fileId)
    if (going.length === 0) return verdicts
    const deleting = await clearDeletions(sql, going)
    const replaced = await claim(
      sql,
      going.filter((fileId) => !deleting.has(fileId)),
    )
    return verdicts.map((verdict) => {
      if (deleting.has(verdict.fileId)) return { fileId: verdict.fileId, verdict: 'wait' }
      const etag = replaced.get(verdict.fileId)
      return verdict.verdict === 'go' && etag !== undefined ? { ...verdict, replaces: { etag } } : verdict
    })
  })
}

async function checkLease(sql: Sql, ticket: Ticket): Promise<void> {
  const [held] = await sql.query(
    `SELECT 1 FROM work_items WHERE work_id = :workId AND epoch = :epoch AND state = 'leased' FOR UPDATE`,
    { ...ticket },
  )
  if (!held)
    throw new LadingError(
      'lease_lost',
      `the lease of work ${ticket.workId}, epoch ${ticket.epoch}, has passed`,
    )
}

function judge(head: Head, writers: ReadonlyMap<string, Writer>): Beginning {
  const { fileId } = head
  if (head.headFileId !== fileId) return { fileId, verdict: 'superseded' }
  const writer = head.writerFileId === null ? undefined : writers.get(head.writerFileId)
  if (!writer) return { fileId, verdict: 'go', replaces: undefined }
  return writer.alive ? { fileId, verdict: 'wait' } : { fileId, verdict: 'clear', leftBy: leftUpload(writer) }
}

/** Writers other than the files themselves, that have not ended. Alive: a worker holds their work. */
async function otherWriters(sql: Sql, heads: readonly Head[]): Promise<Map<string, Writer>> {
  const ids = heads.flatMap((h) =>
    h.writerFileId !== null && h.writerFileId !== h.fileId ? [h.writerFileId] : [],
  )
  if (ids.length === 0) return new Map()
  const rows = await sql.query<Writer>(
    `SELECT f.file_id, w.state = 'leased' AND w.taken_at IS NOT NULL AND w.lease_expires_at > now() AS alive,
       r.bucket, r.prefix || f.path AS key, u.file_id IS NOT NULL AS begun, u.upload_id
     FROM files f JOIN work_items w USING (work_id) JOIN runs r ON r.run_id = f.run_id
     LEFT JOIN uploads u ON u.file_id = f.file_id
     WHERE f.file_id = ANY (:ids::uuid[]) AND f.state IN ('spooled', 'uploading')`,
    { ids },
  )
  return new Map(rows.map((row) => [row.fileId, row]))
}

function leftUpload(writer: Writer): LeftUpload {
  return {
    fileId: writer.fileId,
    object: { bucket: writer.bucket, key: writer.key },
    begun: writer.begun,
    uploadId: writer.uploadId ?? undefined,
  }
}

/**
 * A deletion that waits for the same key is void: its object is about to be written anew. One that is under way is
 * waited for. The files that must wait.
 */
async function clearDeletions(sql: Sql, fileIds: readonly string[]): Promise<Set<string>> {
  await sql.query(
    `DELETE FROM deletions d USING files f
     WHERE f.file_id = ANY (:fileIds::uuid[]) AND d.run_id = f.run_id AND d.path = f.path
       AND (d.leased_until IS NULL OR d.leased_until < now())`,
    { fileIds },
  )
  const rows = await sql.query<{ fileId: string }>(
    `SELECT f.file_id FROM deletions d JOIN files f ON d.run_id = f.run_id AND d.path = f.path
     WHERE f.file_id = ANY (:fileIds::uuid[])`,
    { fileIds },
  )
  return new Set(rows.map((row) => row.fileId))
}

/** The ETags of the artifacts that are about to be replaced, by file. */
async function claim(sql: Sql, fileIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.query<{ fileId: string; etag: string }>(
    `WITH file AS (
       UPDATE files SET state = 'uploading' WHERE file_id = ANY (:fileIds::uuid[]) RETURNING file_id, run_id, path, job_id
     ), head AS (
       UPDATE path_heads h SET writer_file_id = f.file_id FROM file f WHERE h.run_id = f.run_id AND h.path = f.path
     ), job AS (
       UPDATE jobs j SET state = 'running', started_at = coalesce(started_at, now())
       FROM (SELECT DISTINCT job_id FROM file) f WHERE j.job_id = f.job_id AND j.state = 'queued'
     )
     UPDATE artifacts a SET state = 'replacing' FROM file f
     WHERE a.run_id = f.run_id AND a.path = f.path RETURNING f.file_id, a.etag`,
    { fileIds },
  )
  return new Map(rows.map((row) => [row.fileId, row.etag]))
}
