import { LadingError } from '@lading/protocol'
import type { Sql } from './database.ts'
import { IS_LIVE } from './file-states.ts'
import { prepared } from './prepared.ts'

/**
 * Paths of a run that would be both a file and a directory. Postgres compares only what is committed, so two requests
 * that bring `a` and `a/b` in the same moment see nothing of each other. Hence each accepting transaction, when all of
 * its rows are in, locks its names (`lockNames`, `lockRun`) and looks then: of two that clash, one waits for the other's
 * commit, and sees it. These locks are the last that the transaction takes, so that nobody who holds one waits for
 * anything else. docs/decisions/0012-file-or-directory.md has the reasons.
 */

/** The paths that come, as a query with the one column `path`. A directory's ends in a slash. */
interface Own {
  readonly text: string
  readonly bindings: Readonly<Record<string, unknown>>
}

/**
 * Fails with `path_conflict` when one of the paths, whose rows this transaction has inserted, is a directory of the run or
 * lies below one of its files; whoever would make it one until this transaction ends, waits for that.
 */
export async function holdPaths(sql: Sql, runId: string, paths: readonly string[]): Promise<void> {
  const names = namesOf(paths)
  if (names.size <= MOST_NAMES) await lockNames(sql, runId, names)
  else await lockRun(sql, runId)
  await checkPaths(sql, runId, paths)
}

/** The same for all paths of a pack, which are too many to be at hand. */
export async function holdPathsOfPack(sql: Sql, runId: string, packId: string): Promise<void> {
  await lockRun(sql, runId)
  await refuseClashes(sql, runId, {
    // Past any statistics, which know nothing of rows that this very transaction has inserted.
    text: `SELECT f.path FROM work_items w
      CROSS JOIN LATERAL (SELECT path FROM files WHERE files.work_id = w.work_id OFFSET 0) AS f
      WHERE w.pack_id = :packId AND w.state <> 'done'`,
    bindings: { packId },
  })
}

/** The same for what a job is to deliver or to show from now on, though it had failed before. */
export async function holdPathsOfRetry(sql: Sql, runId: string, jobId: string): Promise<void> {
  await lockRun(sql, runId)
  await refuseClashes(sql, runId, {
    text: `SELECT f.path FROM files f JOIN path_heads h ON h.run_id = f.run_id AND h.path = f.path AND h.head_file_id = f.file_id
      WHERE f.job_id = :jobId AND (f.state ${IS_LIVE} OR ${IS_HELD_BACK})`,
    bindings: { jobId },
  })
}

/** The same look, without locks: what it lets pass may clash a moment later. */
export async function checkPaths(sql: Sql, runId: string, paths: readonly string[]): Promise<void> {
  const text = 'SELECT path FROM unnest(:paths::text[]) AS p(path)'
  await refuseClashes(sql, runId, { text, bindings: { paths } })
}

/** Paths and directories that are locked one by one; who brings more locks the run: Postgres has room for few locks. */
export const MOST_NAMES = 32

/** Every path, and every directory on its way; whether it is a file. */
function namesOf(paths: readonly string[]): Map<string, boolean> {
  const names = new Map<string, boolean>()
  for (const path of paths) {
    if (!path.endsWith('/')) names.set(path, true)
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash)
      if (!names.has(directory)) names.set(directory, false)
    }
  }
  return names
}

/**
 * A file's name is locked for itself, and directories are shared, as the run is: those who bring other files into the
 * same directory do not wait for each other. In one order, so that no two wait crosswise.
 */
async function lockNames(sql: Sql, runId: string, names: ReadonlyMap<string, boolean>): Promise<void> {
  await sql.query(
    prepared(`SELECT CASE WHEN alone THEN pg_advisory_xact_lock(key) ELSE pg_advisory_xact_lock_shared(key) END FROM (
       SELECT hashtextextended(:runId, 0) AS key, false AS alone, 0 AS place
       UNION ALL
       SELECT hashtextextended(:runId || '/' || name, 0), bool_or(is_file), 1
       FROM unnest(:names::text[], :areFiles::boolean[]) AS n(name, is_file) GROUP BY 1
       ORDER BY place, key) AS ordered`),
    { runId, names: [...names.keys()], areFiles: [...names.values()] },
  )
}

async function lockRun(sql: Sql, runId: string): Promise<void> {
  await sql.query('SELECT pg_advisory_xact_lock(hashtextextended(:runId, 0))', { runId })
}

/** LATERAL with LIMIT keeps this to a look at an index for each path, however much the run holds. */
async function refuseClashes(sql: Sql, runId: string, own: Own): Promise<void> {
  const [clash] = await sql.query<{ path: string; other: string }>(
    prepared(`WITH RECURSIVE own AS (SELECT path COLLATE "C" AS path FROM (${own.text}) AS given),
     ancestor(path) AS (
       SELECT ${parentOf('path')} FROM own WHERE path LIKE '%/%'
       UNION
       SELECT ${parentOf('path')} FROM ancestor WHERE path LIKE '%/%'
     ), live AS NOT MATERIALIZED (
       SELECT path FROM artifacts WHERE run_id = :runId
       UNION ALL
       SELECT h.path FROM path_heads h JOIN files f ON f.file_id = h.head_file_id
       WHERE h.run_id = :runId AND (f.state ${IS_LIVE} OR ${IS_HELD_BACK})
     )
     (SELECT l.path, l.path AS other FROM ancestor a
      CROSS JOIN LATERAL (SELECT path FROM live WHERE live.path = a.path LIMIT 1) AS l LIMIT 1)
     UNION ALL
     (SELECT o.path, l.path FROM own o
      CROSS JOIN LATERAL (
        SELECT path FROM live WHERE live.path >= o.path || '/' AND live.path < o.path || '0' LIMIT 1
      ) AS l LIMIT 1)`),
    { ...own.bindings, runId },
  )
  if (!clash) return
  throw new LadingError(
    'path_conflict',
    clash.path === clash.other
      ? `${JSON.stringify(clash.path)} is a file of the run, and would have to be a directory`
      : `${JSON.stringify(clash.path)} is a directory of the run: it holds ${JSON.stringify(clash.other)}`,
  )
}

/** Delivered, and to be shown when the rest of its job is. */
const IS_HELD_BACK = `EXISTS (
  SELECT 1 FROM unpublished u JOIN jobs j USING (job_id) WHERE u.file_id = f.file_id AND j.ended_at IS NULL)`

/** The directory that a path lies in; of a directory, whose path ends in a slash, itself. */
function parentOf(path: string): string {
  return `left(${path}, length(${path}) - position('/' in reverse(${path})))`
}
