import { newId, planWork, type WorkLimits } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Acceptance, AcceptedFile, Accepts } from './catalog.ts'
import type { Database, Sql } from './database.ts'
import { IS_LIVE } from './file-states.ts'
import type { Hints } from './hints.ts'
import { type JobRow, jobFromRow } from './job-row.ts'
import type { Job } from './model.ts'

export function acceptsOf(db: Database, hints: Hints, limits: WorkLimits): Accepts {
  return {
    checkPaths: (runId, paths) => checkPaths(db, runId, paths),
    async accept(acceptance) {
      const job = await db.transaction(async (sql) => {
        const accepted = await insertJob(sql, acceptance, limits)
        await keepIdempotencyKey(sql, acceptance, accepted.jobId)
        return accepted
      })
      hints.workIsReady()
      return job
    },
  }
}

async function checkPaths(sql: Sql, runId: string, paths: readonly string[]): Promise<void> {
  const [clash] = await sql.query<{ path: string; other: string }>(
    `WITH live AS NOT MATERIALIZED (
       SELECT path FROM artifacts WHERE run_id = :runId
       UNION ALL
       SELECT h.path FROM path_heads h JOIN files f ON f.file_id = h.head_file_id
       WHERE h.run_id = :runId AND f.state ${IS_LIVE}
     )
     (SELECT a.path, a.path AS other FROM live a WHERE a.path = ANY (:ancestors::text[]) LIMIT 1)
     UNION ALL
     (SELECT p.path, l.path FROM unnest(:paths::text[]) AS p(path)
      CROSS JOIN LATERAL (
        SELECT a.path FROM live a WHERE a.path >= p.path COLLATE "C" || '/' AND a.path < p.path COLLATE "C" || '0' LIMIT 1
      ) l LIMIT 1)`,
    { runId, paths, ancestors: [...ancestorsOf(paths)] },
  )
  if (!clash) return
  throw new LadingError(
    'path_conflict',
    clash.path === clash.other
      ? `${JSON.stringify(clash.path)} is a file of the run, and would have to be a directory`
      : `${JSON.stringify(clash.path)} is a directory of the run: it holds ${JSON.stringify(clash.other)}`,
  )
}

function ancestorsOf(paths: readonly string[]): Set<string> {
  const ancestors = new Set<string>()
  for (const path of paths) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const ancestor = path.slice(0, slash)
      if (ancestors.has(ancestor)) break
      ancestors.add(ancestor)
    }
  }
  return ancestors
}

/**
 * One statement for all of it. Heads are taken in the order of their paths, so that two requests which share paths
 * wait for each other and never lock crosswise; who comes second has the later acceptance.
 */
async function insertJob(sql: Sql, acceptance: Acceptance, limits: WorkLimits): Promise<Job> {
  const { run, pack, files } = acceptance
  const works = planWork(files, limits).map((work) => ({ ...work, workId: newId() }))
  const rows = works.flatMap((work) =>
    work.files.map((file) => ({ file, workId: work.workId, fileId: newId() })),
  )
  const column = <T>(pick: (file: AcceptedFile) => T): T[] => rows.map((row) => pick(row.file))
  const [job] = await sql.query<JobRow>(
    `WITH job AS (
       INSERT INTO jobs (job_id, tenant_id, run_id, state, files_total, bytes_total)
       VALUES (:jobId, :tenant, :runId, 'queued', :filesTotal, :bytesTotal) RETURNING *
     ), pack AS (
       INSERT INTO packs (pack_id, spool_id, job_id, bytes) VALUES (:packId, :spoolId, :jobId, :packBytes)
     ), work AS (
       INSERT INTO work_items (work_id, job_id, tenant_id, route, pack_id, bytes)
       SELECT w.work_id, :jobId, :tenant, :spoolId, :packId, w.bytes
       FROM unnest(:workIds::uuid[], :workBytes::bigint[]) AS w(work_id, bytes)
     ), input AS (
       SELECT * FROM unnest(:fileIds::uuid[], :fileWorkIds::uuid[], :paths::text[], :sizes::bigint[], :sha256s::bytea[],
         :crc32s::bigint[], :blockCrcs::bytea[], :offsets::bigint[])
         AS i(file_id, work_id, path, size, sha256, crc32, block_crcs, pack_offset)
     ), head AS (
       INSERT INTO path_heads (run_id, path, head_file_id)
       SELECT :runId, i.path, i.file_id FROM input i ORDER BY i.path COLLATE "C"
       ON CONFLICT (run_id, path) DO UPDATE SET head_file_id = excluded.head_file_id
     ), file AS (
       INSERT INTO files (file_id, job_id, work_id, run_id, path, size, sha256, crc32, block_crcs, pack_offset)
       SELECT i.file_id, :jobId, i.work_id, :runId, i.path, i.size, i.sha256, i.crc32, i.block_crcs, i.pack_offset
       FROM input i
     )
     SELECT * FROM job`,
    {
      jobId: newId(),
      tenant: run.tenantId,
      runId: run.runId,
      filesTotal: files.length,
      bytesTotal: files.reduce((sum, file) => sum + file.size, 0),
      packId: pack.packId,
      packBytes: pack.bytes,
      spoolId: acceptance.spoolId,
      workIds: works.map((work) => work.workId),
      workBytes: works.map((work) => work.bytes),
      fileIds: rows.map((row) => row.fileId),
      fileWorkIds: rows.map((row) => row.workId),
      paths: column((file) => file.path),
      sizes: column((file) => file.size),
      sha256s: column((file) => Buffer.from(file.sha256, 'hex')),
      crc32s: column((file) => file.crc32),
      blockCrcs: column((file) => file.blockCrcs),
      offsets: column((file) => file.packOffset),
    },
  )
  if (!job) throw new Error('the statement that accepts a job gave no row')
  return jobFromRow(job)
}

async function keepIdempotencyKey(sql: Sql, acceptance: Acceptance, jobId: string): Promise<void> {
  const { idempotency, run } = acceptance
  if (!idempotency) return
  const kept = await sql.query(
    `UPDATE idempotency_keys SET job_id = :jobId, content = :content, locked_by = NULL, locked_until = NULL
     WHERE tenant_id = :tenant AND key = :key AND locked_by = :holder AND job_id IS NULL RETURNING 1`,
    { jobId, tenant: run.tenantId, ...idempotency },
  )
  if (kept.length === 0) {
    throw new LadingError(
      'idempotency_key_in_flight',
      'Idempotency-Key: another request took the key over while this one was under way',
      { retryAfter: 1 },
    )
  }
}
