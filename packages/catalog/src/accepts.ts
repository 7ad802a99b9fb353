import type { WorkLimits } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { accept } from './accept.ts'
import type { Acceptance, Accepts } from './catalog.ts'
import type { Database, Sql } from './database.ts'
import { IS_LIVE } from './file-states.ts'
import type { Hints } from './hints.ts'
import { keepResumed } from './resumable-uploads.ts'

export function acceptsOf(db: Database, hints: Hints, limits: WorkLimits): Accepts {
  return {
    checkPaths: (runId, paths) => checkPaths(db, runId, paths),
    async accept(acceptance) {
      const job = await db.transaction(async (sql) => {
        const accepted = await accept(sql, acceptance, limits)
        await keepIdempotencyKey(sql, acceptance, accepted.jobId)
        await keepResumed(sql, acceptance, accepted.jobId)
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

/** Gives the key to the job, if whoever took it still holds it. Fails with `idempotency_key_in_flight`. */
export async function keepIdempotencyKey(
  sql: Sql,
  { idempotency, run }: Pick<Acceptance, 'idempotency' | 'run'>,
  jobId: string,
): Promise<void> {
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
