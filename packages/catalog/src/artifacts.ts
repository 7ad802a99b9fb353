import { keptPath, type Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Artifacts } from './catalog.ts'
import type { Walled } from './database.ts'
import { deleteDirectory } from './delete-directory.ts'
import type { Hints } from './hints.ts'
import type { Artifact, DirectoryEntry, Rot } from './model.ts'
import { keyOfCursor, pageOf } from './paging.ts'

interface Row extends Omit<Artifact, 'path' | 'sha256' | 'mode' | 'mtime' | 'verifiedAt' | 'rot'> {
  path: string
  sha256: Buffer
  verifiedAt: Date | null
  rottedAt: Date | null
  rot: Rot | null
  mode: number | null
  mtime: Date | null
}
type LevelRow = { [K in keyof Row]: Row[K] | null } & { entry: string; isDirectory: boolean }

const COLUMNS =
  'a.run_id, a.tenant_id, a.path, a.size, a.sha256, a.crc32, a.bucket, a.key, a.etag, a.mode, a.mtime, a.job_id, a.stored_at, a.state, a.verified_at, a.rotted_at, a.rot'

export function artifactsOf(db: Walled, hints: Hints): Artifacts {
  return {
    async listLevel({ runId, tenantId }, directory, { limit, cursor }) {
      const after = keyOfCursor(cursor)
      const rows = await db.of(tenantId).query<LevelRow>(LEVEL, {
        runId,
        ...rangeBelow(directory, after, nextEntry(after)),
        skip: directory === '' ? 0 : [...directory].length + 1,
        rows: limit + 1,
      })
      const page = pageOf(rows, limit, (row) => (row.isDirectory ? `${row.entry}/` : row.entry))
      return { items: page.items.map(levelEntry), nextCursor: page.nextCursor }
    },
    async listDeep({ runId, tenantId }, directory, { limit, cursor }) {
      const after = keyOfCursor(cursor)
      const range = rangeBelow(directory, after, `${after}\u0001`)
      const rows = await db.of(tenantId).query<Row>(
        `SELECT ${COLUMNS} FROM artifacts a WHERE run_id = :runId AND path >= :from AND (:to::text IS NULL OR path < :to)
         ORDER BY path LIMIT :rows`,
        { runId, ...range, rows: limit + 1 },
      )
      const page = pageOf(rows, limit, (row) => row.path)
      return { items: page.items.map(deepEntry), nextCursor: page.nextCursor }
    },
    async get({ runId, tenantId }, path) {
      const [row] = await db
        .of(tenantId)
        .query<Row>(`SELECT ${COLUMNS} FROM artifacts a WHERE run_id = :runId AND path = :path`, {
          runId,
          path,
        })
      return row && fromRow(row)
    },
    async delete({ runId, tenantId }, path) {
      const gone = await db.of(tenantId).query(
        `WITH gone AS (DELETE FROM artifacts WHERE run_id = :runId AND path = :path RETURNING run_id, path, bucket, key, etag)
         INSERT INTO deletions (run_id, path, bucket, key, etag) SELECT * FROM gone RETURNING 1`,
        { runId, path },
      )
      if (gone.length > 0) hints.workIsReady()
      return gone.length > 0
    },
    async deleteDirectory(run, directory) {
      const job = await deleteDirectory(db, run, directory)
      if (job) hints.workIsReady()
      return job
    },
  }
}

/**
 * The paths below a directory are one range of the index: from `dir/` to `dir0`, since "0" follows "/". No path holds
 * U+0001, so what follows it is greater than a path and not greater than any that follows the path. The directory's
 * own row, `dir/`, is not below it.
 */
function rangeBelow(directory: string, after: string, next: string): { from: string; to: string | null } {
  const start = directory === '' ? '' : `${directory}/`
  if (after !== '' && !after.startsWith(start)) {
    throw new LadingError('validation_failed', 'cursor: it belongs to the list of another directory')
  }
  const first = directory === '' ? '' : `${start}\u0001`
  return { from: after === '' ? first : next, to: directory === '' ? null : `${directory}0` }
}

/** After a directory, whose cursor ends in a slash, comes what lies past its own range. */
function nextEntry(after: string): string {
  return after.endsWith('/') ? `${after.slice(0, -1)}0` : `${after}\u0001`
}

/**
 * Walks the index from entry to entry: a directory of a hundred thousand files costs one step. Rows are fetched one by
 * one at the end (the LIMIT has it so), since a join would be planned to read the whole run.
 */
const LEVEL = `
WITH RECURSIVE walk(path, entry, is_directory, n) AS (
  (SELECT f.path, e.entry, e.is_directory, 1
   FROM (SELECT path FROM artifacts WHERE run_id = :runId AND path >= :from AND (:to::text IS NULL OR path < :to)
         ORDER BY path LIMIT 1) f
   CROSS JOIN LATERAL (
     SELECT strpos(substr(f.path, :skip + 1), '/') AS slash
   ) s CROSS JOIN LATERAL (
     SELECT CASE WHEN s.slash > 0 THEN left(f.path, :skip + s.slash - 1) ELSE f.path END AS entry,
            s.slash > 0 AS is_directory
   ) e)
  UNION ALL
  SELECT f.path, e.entry, e.is_directory, w.n + 1
  FROM walk w
  CROSS JOIN LATERAL (
    SELECT path FROM artifacts
    WHERE run_id = :runId AND path >= w.entry || CASE WHEN w.is_directory THEN '0' ELSE chr(1) END
      AND (:to::text IS NULL OR path < :to)
    ORDER BY path LIMIT 1
  ) f
  CROSS JOIN LATERAL (SELECT strpos(substr(f.path, :skip + 1), '/') AS slash) s
  CROSS JOIN LATERAL (
    SELECT CASE WHEN s.slash > 0 THEN left(f.path, :skip + s.slash - 1) ELSE f.path END AS entry,
           s.slash > 0 AS is_directory
  ) e
  WHERE w.n < :rows
)
SELECT w.entry, w.is_directory, ${COLUMNS}
FROM walk w LEFT JOIN LATERAL (
  SELECT * FROM artifacts WHERE run_id = :runId AND path = w.path AND NOT w.is_directory LIMIT 1
) a ON true
ORDER BY w.n`

function levelEntry(row: LevelRow): Artifact | DirectoryEntry {
  const { entry, isDirectory, ...artifact } = row
  return isDirectory ? { path: entry, isDirectory: true } : fromRow(artifact as Row)
}

/** A directory that an archive brought empty; its path ends in a slash. */
function deepEntry(row: Row): Artifact | DirectoryEntry {
  if (!row.path.endsWith('/')) return fromRow(row)
  const { mode, mtime, storedAt } = fromRow(row)
  return { path: row.path.slice(0, -1), isDirectory: true, mode, mtime, storedAt }
}

function fromRow(row: Row): Artifact {
  const { path, sha256, mode, mtime, verifiedAt, rottedAt, rot, ...rest } = row
  return {
    ...rest,
    path: keptPath(path),
    verifiedAt: verifiedAt ?? undefined,
    rot: rot === null || rottedAt === null ? undefined : { is: rot, since: rottedAt },
    sha256: sha256.toString('hex') as Sha256Hex,
    mode: mode ?? undefined,
    mtime: mtime ?? undefined,
  }
}
