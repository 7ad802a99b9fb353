import {
  type Crc32,
  keptPath,
  newId,
  type Sha256Hex,
  type TenantId,
  type WorkLimits,
  WorkPlanner,
} from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { AcceptedFile, Arrival, ArrivedSum, PathClash } from './catalog.ts'
import type { Sql, Statements, Walled } from './database.ts'
import { type FileColumns, fileColumns } from './file-columns.ts'

/** Milliseconds between two signs of life of an arrival. */
const SIGN_EVERY_MS = 60_000
/** Rows that are read at once. */
const PAGE = 2_000

/** See `Accepts.arrive`. */
export async function openArrival(walled: Walled, tenant: TenantId, limits: WorkLimits): Promise<Arrival> {
  const db = walled.of(tenant)
  const arrivalId = newId()
  await db.query('INSERT INTO arrivals (arrival_id, tenant_id) VALUES (:arrivalId, :tenant)', {
    arrivalId,
    tenant,
  })
  const works = new WorkPlanner(limits, newId)
  const signs = setInterval(() => void giveSign(db, arrivalId), SIGN_EVERY_MS).unref()
  let added = 0
  return {
    arrivalId,
    async add(files) {
      const rows = files.map((file) => ({ ...file, fileId: newId(), workId: works.workFor(file.size) }))
      await insert(db, arrivalId, added, rows)
      added += files.length
    },
    settle: () => db.transaction((sql) => settle(sql, arrivalId, added), 'whole job'),
    async moveBelow(directory) {
      const move = `UPDATE arriving_files SET path = :directory || '/' || path WHERE arrival_id = :arrivalId`
      await db.transaction((sql) => sql.query(move, { arrivalId, directory }), 'whole job')
    },
    pages: () => pages(db, arrivalId),
    async [Symbol.asyncDispose]() {
      clearInterval(signs)
      // Should Postgres be away, the leader forgets it by its age.
      await db
        .query('DELETE FROM arrivals WHERE arrival_id = :arrivalId', { arrivalId })
        .catch(() => undefined)
    },
  }
}

/** One that is lost matters only if many are; accepting finds out whether the rows are still there. */
async function giveSign(db: Sql, arrivalId: string): Promise<void> {
  await db
    .query('UPDATE arrivals SET seen_at = now() WHERE arrival_id = :arrivalId', { arrivalId })
    .catch(() => undefined)
}

async function insert(
  db: Sql,
  arrivalId: string,
  first: number,
  rows: readonly (AcceptedFile & { readonly fileId: string; readonly workId: string })[],
): Promise<void> {
  const { text, bindings } = fileColumns(rows)
  await db.query(
    `INSERT INTO arriving_files (arrival_id, path, place, file_id, work_id, is_directory, size, sha256, crc32, block_crcs,
       pack_offset, mode, mtime)
     SELECT :arrivalId, i.path, :first + i.place - 1, i.file_id, i.work_id, i.is_directory, i.size, i.sha256, i.crc32,
       i.block_crcs, i.pack_offset, i.mode, i.mtime FROM ${text}`,
    { ...bindings, arrivalId, first },
  )
}

/**
 * Read in the order in which what lies below a path follows at once upon it (a slash sorts before all that a path may
 * hold), each row tells by the next one whether something lies below it, or it is there twice.
 */
const IN_TREE_ORDER = `
  SELECT ctid, path, place, is_directory, lead(path) OVER tree AS next, lead(is_directory) OVER tree AS next_is_directory
  FROM arriving_files WHERE arrival_id = :arrivalId
  WINDOW tree AS (ORDER BY replace(path, '/', E'\\x01') COLLATE "C", is_directory, place)`

/**
 * Rows are dropped by where they lie. Joined by their columns they would be looked for among all of them, row by row,
 * where statistics are from before the arrival and promise one row.
 */
async function settle(db: Sql, arrivalId: string, added: number): Promise<PathClash | ArrivedSum> {
  const [clash] = await db.query<{ path: string; next: string; isDirectory: boolean; same: boolean }>(
    `SELECT path, next, next_is_directory AS is_directory, path = next AS same FROM (${IN_TREE_ORDER}) rows
     WHERE NOT is_directory AND (next = path OR starts_with(next, path || '/'))
     ORDER BY (next = path AND NOT next_is_directory) DESC, place LIMIT 1`,
    { arrivalId },
  )
  if (clash !== undefined) {
    if (clash.same && !clash.isDirectory) return { kind: 'duplicate', path: clash.path, other: clash.next }
    return { kind: 'conflict', path: clash.path, other: clash.isDirectory ? `${clash.next}/` : clash.next }
  }
  const [sum] = await db.query<ArrivedSum & { dropped: number }>(
    `WITH dropped AS (
       DELETE FROM arriving_files WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM (${IN_TREE_ORDER}) rows
         WHERE is_directory AND (next = path OR starts_with(next, path || '/'))
       )) RETURNING 1
     ), counts AS (SELECT (SELECT count(*) FROM dropped) AS dropped)
     SELECT count(place) - dropped AS files, coalesce(sum(size), 0)::bigint AS bytes, dropped
     FROM counts LEFT JOIN arriving_files ON arrival_id = :arrivalId GROUP BY dropped`,
    { arrivalId },
  )
  const { files, bytes, dropped } = sum ?? { files: 0, bytes: 0, dropped: 0 }
  if (files + dropped !== added) throw lost()
  return { files, bytes }
}

/** The tables are not logged: a Postgres that was started again after a crash has emptied them. */
export function lost(): LadingError {
  return new LadingError(
    'catalog_unavailable',
    'Postgres was restarted while the request arrived, and has lost its list of files; send it again',
    { retryAfter: 1 },
  )
}

interface ArrivedRow extends Omit<FileColumns, 'sha256'> {
  readonly sha256: Buffer
}

async function* pages(db: Statements, arrivalId: string): AsyncGenerator<readonly AcceptedFile[]> {
  // No path is empty, so that all come after this.
  let after: string | undefined = ''
  while (after !== undefined) {
    const bindings: { arrivalId: string; after: string } = { arrivalId, after }
    const rows = await db.transaction((sql) => sql.query<ArrivedRow>(PAGE_OF_ARRIVAL, bindings), 'whole job')
    if (rows.length > 0) yield rows.map(fileFrom)
    after = rows.length < PAGE ? undefined : rows.at(-1)?.path
  }
}

const PAGE_OF_ARRIVAL = `
SELECT path, is_directory, size, sha256, crc32, block_crcs, pack_offset, mode, mtime FROM arriving_files
WHERE arrival_id = :arrivalId AND path > :after ORDER BY path LIMIT ${PAGE}`

function fileFrom({ isDirectory, sha256, mode, mtime, ...row }: ArrivedRow): AcceptedFile {
  return {
    ...row,
    path: keptPath(row.path),
    crc32: row.crc32 as Crc32,
    type: isDirectory ? 'directory' : 'file',
    sha256: sha256.toString('hex') as Sha256Hex,
    mode: mode ?? undefined,
    mtime: mtime ?? undefined,
  }
}
