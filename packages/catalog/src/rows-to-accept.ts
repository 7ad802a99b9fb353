import { newId, planWork, type WorkLimits } from '@lading/core'
import type { AcceptedFile } from './catalog.ts'
import type { Bindings, Sql } from './database.ts'
import { fileColumns } from './file-columns.ts'

/** Rows that one statement inserts: bounds its parameters, and the time that it takes. */
const ROWS = 5_000

/** Rows `i` of a FROM clause. */
export interface Source {
  readonly text: string
  readonly bindings: Bindings
}

/** The path of a row `i` of files. A directory's ends in a slash. */
export const PATH = `CASE WHEN i.is_directory THEN i.path || '/' ELSE i.path END`

/** What an acceptance inserts, wherever it stands until then. */
export interface RowsToAccept {
  /** Rows of (work_id, bytes). */
  readonly works: Source
  /**
   * Rows of files, as `fileColumns` names them, in pages of growing paths: whoever locks their heads page after page
   * locks them in the order of their paths.
   */
  pages(sql: Sql): AsyncIterable<Source>
}

/** Of files that are at hand. */
export function heldRows(files: readonly AcceptedFile[], limits: WorkLimits): RowsToAccept {
  const works = planWork(files, limits).map((work) => ({ ...work, workId: newId() }))
  const rows = works.flatMap(({ workId, files }) =>
    files.map((file) => ({ ...file, fileId: newId(), workId })),
  )
  const sorted = rows.length > ROWS ? rows.toSorted((a, b) => (a.path < b.path ? -1 : 1)) : rows
  return {
    works: {
      text: 'unnest(:workIds::uuid[], :workBytes::bigint[]) AS i(work_id, bytes)',
      bindings: { workIds: works.map((work) => work.workId), workBytes: works.map((work) => work.bytes) },
    },
    async *pages() {
      for (let from = 0; from < sorted.length; from += ROWS)
        yield fileColumns(sorted.slice(from, from + ROWS))
    },
  }
}

/** Of an arrival that was settled: they never leave Postgres. */
export function arrivedRows(arrivalId: string): RowsToAccept {
  const range = `SELECT * FROM arriving_files WHERE arrival_id = :arrivalId AND path > :after`
  return {
    works: {
      text: `(SELECT work_id, sum(size)::bigint AS bytes FROM arriving_files WHERE arrival_id = :arrivalId
         GROUP BY work_id ORDER BY work_id) AS i`,
      bindings: { arrivalId },
    },
    async *pages(sql) {
      // No path is empty, so that all come after this.
      let after: string | undefined = ''
      do {
        const bindings: { arrivalId: string; after: string } = { arrivalId, after }
        yield { text: `(${range} ORDER BY path LIMIT ${ROWS}) AS i`, bindings }
        const [last]: { path: string }[] = await sql.query(
          `SELECT path FROM (${range}) AS i ORDER BY path OFFSET ${ROWS - 1} LIMIT 1`,
          bindings,
        )
        after = last?.path
      } while (after !== undefined)
    },
  }
}
