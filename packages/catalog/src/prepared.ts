import { createHash } from 'node:crypto'

/** By text. */
const names = new Map<string, string>()

/**
 * The statement, to be planned once for each connection rather than each time: for one file, planning takes longer than
 * all else that Postgres does. For a text that is always the same, and of which one plan is good whatever the values are:
 * not where a value may leave a condition out, or stands for how many rows there are to read.
 * https://www.postgresql.org/docs/current/sql-prepare.html
 */
export function prepared(text: string): string {
  if (!names.has(text))
    names.set(text, `lading_${createHash('sha256').update(text).digest('hex').slice(0, 20)}`)
  return text
}

/** Under which a connection keeps the plan; undefined for a statement that is planned each time. */
export function nameOfPrepared(text: string): string | undefined {
  return names.get(text)
}

/**
 * The connection knows the name no longer, or has another statement by it, as behind a pooler that does not follow names;
 * or a migration has changed what the statement gives. It has not run.
 */
export function isForgotten(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return (
    code === '26000' ||
    code === '42P05' ||
    (code === '0A000' && String(message).endsWith('cached plan must not change result type'))
  )
}
