import { LadingError } from '@lading/protocol'
import knexFactory, { type Knex } from 'knex'
import pg from 'pg'

/** Values of a statement by name (`:name` in its text). */
export type Bindings = Readonly<Record<string, unknown>>

/** Runs statements; the whole of what the catalog's files need of the database. */
export interface Sql {
  /** The statement's rows. Column names are turned from `snake_case` to `camelCase`. */
  query<Row>(text: string, bindings?: Bindings): Promise<Row[]>
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** The most connections of this process. */
  readonly poolSize: number
  /** Milliseconds that a caller waits for a connection, and a statement may run. */
  readonly timeoutMs: number
  /** A schema of its own for each test; `public` by default. */
  readonly schema?: string
}

export class Database implements Sql {
  readonly knex: Knex
  readonly options: DatabaseOptions

  constructor(options: DatabaseOptions) {
    this.options = options
    this.knex = knexFactory({
      client: 'pg',
      connection: connectionOptions(options) as Knex.PgConnectionConfig,
      pool: { min: 0, max: options.poolSize },
      acquireConnectionTimeout: options.timeoutMs,
      ...(options.schema === undefined ? {} : { searchPath: [options.schema] }),
    })
  }

  async query<Row>(text: string, bindings: Bindings = {}): Promise<Row[]> {
    return await this.#translated(() => run<Row>(this.knex, text, bindings))
  }

  /** All or nothing; tried again from the start when Postgres ends it as a deadlock's victim. */
  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return await this.#translated(() =>
      this.knex.transaction((trx) =>
        work({ query: <Row>(text: string, bindings: Bindings = {}) => run<Row>(trx, text, bindings) }),
      ),
    )
  }

  async close(): Promise<void> {
    await this.knex.destroy()
  }

  async #translated<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        if (isDeadlock(error) && tries < 5) continue
        throw translate(error)
      }
    }
  }
}

/** What a `pg` client of this database is opened with; also for those outside of the pool (LISTEN, leadership). */
export function connectionOptions(options: DatabaseOptions): pg.ClientConfig {
  return {
    connectionString: options.url,
    connectionTimeoutMillis: options.timeoutMs,
    statement_timeout: options.timeoutMs,
    keepAlive: true,
    application_name: 'lading',
    types: TYPES,
  }
}

async function run<Row>(knex: Knex, text: string, bindings: Bindings): Promise<Row[]> {
  const result: { rows: Record<string, unknown>[] } = await knex.raw(
    text,
    bindings as Record<string, Knex.Value>,
  )
  return result.rows.map(camelCased) as Row[]
}

function camelCased(row: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const name in row) out[camel(name)] = row[name]
  return out
}

const camelNames = new Map<string, string>()

function camel(name: string): string {
  let known = camelNames.get(name)
  if (known === undefined) {
    known = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    camelNames.set(name, known)
  }
  return known
}

const INT8 = 20

/** Sizes and counts stay far below 2^53, so `bigint` columns come as numbers. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}

function isDeadlock(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40P01' || code === '40001'
}

/** Errors of the connection, not of the statement: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(error: unknown): unknown {
  if (error instanceof LadingError) return error
  const code = codeOf(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  const unavailable =
    /^(08|53|57P|57014|25P03|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/.test(code) ||
    (error instanceof Error && error.name === 'KnexTimeoutError') ||
    /Connection terminated|timeout expired|Client has encountered a connection error|not queryable/i.test(
      message,
    )
  if (!unavailable) return error
  return new LadingError('catalog_unavailable', `Postgres does not answer: ${message}`, {
    cause: error,
    retryAfter: 2,
  })
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
