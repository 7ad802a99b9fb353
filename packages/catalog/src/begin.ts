import type { ObjectRef, Ticket } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Database, Sql } from './database.ts'
import type { Beginning, LeftUpload } from './delivery-catalog.ts'
import { IS_LIVE } from './file-states.ts'
import { prepared } from './prepared.ts'

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
 * that lock a file either is what was accepted last for its path and becomes the writer, or steps back. Deletions are
 * taken under the same lock, so that none begins while a writer is there.
 */
export async function begin(db: Database, ticket: Ticket, fileIds: readonly string[]): Promise<Beginning[]> {
  return await db.transaction(async (sql) => {
    await checkLease(sql, ticket)
    const heads = await sql.query<Head>(
      prepared(`SELECT f.file_id, h.head_file_id, h.writer_file_id
       FROM files f JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
       WHERE f.file_id = ANY (:fileIds::uuid[]) AND f.work_id = :workId AND f.state ${IS_LIVE}
       ORDER BY h.run_id, h.path FOR UPDATE OF h`),
      { fileIds, workId: ticket.workId },
    )
    const writers = await otherWriters(sql, heads)
    const verdicts = heads.map((head) => judge(head, writers))
    const going = verdicts.filter((verdict) => verdict.verdict === 'go').map((verdict) => verdict.fileId)
    if (going.length === 0) return verdicts
    const deletions = await deletionsOf(sql, going)
    const moving = await movingOf(sql, going)
    const mustWait = (fileId: string) => deletions.get(fileId)?.underWay === true || moving.has(fileId)
    const ready = going.filter((fileId) => !mustWait(fileId))
    const objects = await destinationsOf(sql, ready)
    const replaced = await claim(sql, ready)
    return verdicts.map((verdict) => {
      const { fileId } = verdict
      if (mustWait(fileId)) return { fileId, verdict: 'wait' }
      const object = objects.get(fileId)
      if (verdict.verdict !== 'go' || !object) return verdict
      const etag = replaced.get(fileId) ?? (object.staged ? undefined : deletions.get(fileId)?.etag)
      const { bucket, key } = object
      return { ...verdict, object: { bucket, key }, replaces: etag ? { etag } : undefined }
    })
  })
}

/** Until the destinations are asked for. */
const NOWHERE: ObjectRef = { bucket: '', key: '' }

async function checkLease(sql: Sql, ticket: Ticket): Promise<void> {
  const [held] = await sql.query(
    prepared(`SELECT 1 FROM work_items WHERE work_id = :workId AND epoch = :epoch AND state = 'leased'
       AND lease_expires_at > now() FOR UPDATE`),
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
  if (!writer) return { fileId, verdict: 'go', object: NOWHERE, replaces: undefined }
  return writer.alive ? { fileId, verdict: 'wait' } : { fileId, verdict: 'clear', leftBy: leftUpload(writer) }
}

/**
 * Writers other than the files themselves, that have not ended. Alive: a worker holds their work, and it is not for this
 * statement to say by the clock that the lease has run out: only who takes the lease away says so, under the row's lock.
 */
async function otherWriters(sql: Sql, heads: readonly Head[]): Promise<Map<string, Writer>> {
  const ids = heads.flatMap((h) =>
    h.writerFileId !== null && h.writerFileId !== h.fileId ? [h.writerFileId] : [],
  )
  if (ids.length === 0) return new Map()
  const rows = await sql.query<Writer>(
    prepared(`SELECT f.file_id, w.state = 'leased' AND w.taken_at IS NOT NULL AS alive,
       r.bucket, coalesce(u.key, r.prefix || f.path) AS key, u.file_id IS NOT NULL AS begun, u.upload_id
     FROM files f JOIN work_items w USING (work_id) JOIN runs r ON r.run_id = f.run_id
     LEFT JOIN uploads u ON u.file_id = f.file_id
     WHERE f.file_id = ANY (:ids::uuid[]) AND f.state ${IS_LIVE}`),
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
 * What is to be deleted at the keys of the files. A deletion that is under way is waited for. One that is not stays: it
 * cannot begin while the file writes; the file's commit voids it, and it comes to its turn if the file is given up. One of
 * a staging key says nothing of what lies at the file's own.
 */
async function deletionsOf(
  sql: Sql,
  fileIds: readonly string[],
): Promise<Map<string, { underWay: boolean; etag: string | null }>> {
  const rows = await sql.query<{ fileId: string; underWay: boolean; etag: string | null }>(
    prepared(`SELECT f.file_id, coalesce(bool_or(d.leased_until >= now()), false) AS under_way,
       max(d.etag) FILTER (WHERE d.key = r.prefix || f.path) AS etag
     FROM files f JOIN runs r ON r.run_id = f.run_id JOIN deletions d ON d.run_id = f.run_id AND d.path = f.path
     WHERE f.file_id = ANY (:fileIds::uuid[]) GROUP BY f.file_id`),
    { fileIds },
  )
  return new Map(rows.map((row) => [row.fileId, row]))
}

/** Files whose key somebody is just moving the object of the shown artifact to. */
async function movingOf(sql: Sql, fileIds: readonly string[]): Promise<Set<string>> {
  const rows = await sql.query<{ fileId: string }>(
    prepared(`SELECT f.file_id FROM files f JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path
     JOIN staging s ON s.file_id = h.writer_file_id
     WHERE f.file_id = ANY (:fileIds::uuid[]) AND s.file_id <> f.file_id AND s.moving_until >= now()`),
    { fileIds },
  )
  return new Set(rows.map((row) => row.fileId))
}

interface Destination {
  readonly fileId: string
  readonly bucket: string
  readonly key: string
  readonly staged: boolean
}

/**
 * Where files are to be written: to their own keys, but for those of an atomic job whose own key holds what is shown:
 * these go beside the run's artifacts, and what is shown stays whole. A file that began there stays there.
 */
async function destinationsOf(sql: Sql, fileIds: readonly string[]): Promise<Map<string, Destination>> {
  const rows = await sql.query<Destination>(
    prepared(`WITH place AS (
       SELECT f.file_id, f.job_id, r.bucket, r.prefix || f.path AS own_key, s.key AS staging_key,
         CASE WHEN j.atomic AND a.path IS NOT NULL AND f.path NOT LIKE '%/'
              THEN regexp_replace(r.prefix, 'artifacts/$', '') || 'staging/' || f.file_id END AS needed_key
       FROM files f JOIN jobs j USING (job_id) JOIN runs r ON r.run_id = f.run_id
       LEFT JOIN staging s ON s.file_id = f.file_id
       LEFT JOIN artifacts a ON a.run_id = f.run_id AND a.path = f.path
       WHERE f.file_id = ANY (:fileIds::uuid[])
     ), noted AS (
       INSERT INTO staging (file_id, job_id, bucket, key)
       SELECT file_id, job_id, bucket, needed_key FROM place WHERE needed_key IS NOT NULL
       ON CONFLICT (file_id) DO NOTHING
     )
     SELECT file_id, bucket, coalesce(staging_key, needed_key, own_key) AS key,
       coalesce(staging_key, needed_key) IS NOT NULL AS staged
     FROM place`),
    { fileIds },
  )
  return new Map(rows.map((row) => [row.fileId, row]))
}

/** The ETags of the artifacts that are about to be replaced, by file. */
async function claim(sql: Sql, fileIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.query<{ fileId: string; etag: string }>(
    prepared(`WITH file AS (
       UPDATE files SET state = 'uploading' WHERE file_id = ANY (:fileIds::uuid[]) AND state ${IS_LIVE}
       RETURNING file_id, run_id, path, job_id
     ), head AS (
       UPDATE path_heads h SET writer_file_id = f.file_id FROM file f WHERE h.run_id = f.run_id AND h.path = f.path
     ), job AS (
       UPDATE jobs j SET state = CASE WHEN j.state = 'queued' THEN 'running' ELSE j.state END, started_at = coalesce(j.started_at, now())
       FROM (SELECT DISTINCT job_id FROM file) f
       WHERE j.job_id = f.job_id AND (j.state = 'queued' OR j.started_at IS NULL)
     )
     UPDATE artifacts a SET state = 'replacing', writers = a.writers + 1 FROM file f JOIN jobs j USING (job_id)
     WHERE a.run_id = f.run_id AND a.path = f.path AND NOT j.atomic RETURNING f.file_id, a.etag`),
    { fileIds },
  )
  return new Map(rows.map((row) => [row.fileId, row.etag]))
}
