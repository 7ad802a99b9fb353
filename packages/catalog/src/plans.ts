import type pg from 'pg'

/** Milliseconds for which a connection keeps its plans. */
const KEPT_MS = 10_000

/**
 * What connections have planned of prepared statements. A plan that was made when a table was empty reads all of it, and
 * Postgres keeps it until it next analyses the table, which may be a minute and a hundred thousand files later. So plans
 * are dropped now and then, and made anew by the size that tables have by then.
 * https://www.postgresql.org/docs/current/sql-discard.html
 */
export class Plans {
  readonly #since = new WeakMap<pg.Client, number>()
  readonly #keptMs: number

  constructor(keptMs = KEPT_MS) {
    this.#keptMs = keptMs
  }

  /** Drops the connection's plans when they are old; it is not in a transaction. */
  async renew(connection: pg.Client): Promise<void> {
    const now = performance.now()
    const since = this.#since.get(connection)
    if (since !== undefined && now - since < this.#keptMs) return
    this.#since.set(connection, now)
    if (since !== undefined) await connection.query('DISCARD PLANS')
  }
}
