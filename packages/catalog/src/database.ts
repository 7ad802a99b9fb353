import type { TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import knexFactory, { type Knex } from 'knex'
import pg from 'pg'
import type { Logger } from './logger.ts'
import { Plans } from './plans.ts'
import { isForgotten, nameOfPrepared } from './prepared.ts'
import { asTenant, beginningAsTenant, type Session } from './tenant-session.ts'

/** Values of a statement by name (`:name` in its text). */
export type Bindings = Readonly<Record<string, unknown>>

/** Runs statements; the whole of what the catalog's files need of the database. */
export interface Sql {
  /** The statement's rows. Column names are turned from `snake_case` to `camelCase`. */
  query<Row>(text: string, bindings?: Bindings): Promise<Row[]>
}

/** Runs statements one by one, or several as one. */
export interface Statements extends Sql {
  /** All or nothing; tried again from the start when Postgres ends it as a deadlock's victim. */
  transaction<T>(work: (sql: Sql) => Promise<T>, scope?: Scope): Promise<T>
}

/**
 * What touches all files of a job, of which there may be a million, has a longer limit: ended at that of other
 * statements, it would be ended each time that it is tried.
 */
export type Scope = 'whole job'

/** Milliseconds. */
const WHOLE_JOB_MS = 10 * 60_000

/** The database as requests get it: they have to say whose they are. */
export interface Walled {
  /** Statements that find, change and add nothing but the tenant's own, whatever they say. */
  of(tenant: TenantId): Statements
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** The most connections of this process; at least 2, since migrations hold one for their lock. */
  readonly poolSize: number
  /** Milliseconds that a caller waits for a connection, and a statement may run. */
  readonly timeoutMs: number
  /** The same for a statement that touches all files of a job. 600,000. */
  readonly wholeJobMs?: number
  readonly log: Logger
  /** `public` by default. */
  readonly schema?: string
}

/** By itself it reaches the rows of all tenants, as workers have to. */
export class Database implements Statements, Walled {
  readonly knex: Knex
  readonly #plans = new Plans()
  /** Until a connection has forgotten a statement: whoever took it away will do so again. */
  #prepares = true
  readonly options: DatabaseOptions

  constructor(options: DatabaseOptions) {
    this.options = options
    this.knex = knexFactory({
      client: 'pg',
      connection: connectionOptions(options) as Knex.PgConnectionConfig,
      pool: { min: 0, max: options.poolSize },
      acquireConnectionTimeout: options.timeoutMs,
      log: knexLog(options.log),
      // Else the text of an error holds the whole statement with all of its values.
      compileSqlOnError: false,
      ...(options.schema === undefined ? {} : { searchPath: [options.schema] }),
    })
  }

  async query<Row>(text: string, bindings: Bindings = {}): Promise<Row[]> {
    return await this.#query(text, bindings)
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>, scope?: Scope): Promise<T> {
    return await this.#transaction(work, { scope })
  }

  of(tenant: TenantId): Statements {
    return {
      query: <Row>(text: string, bindings: Bindings = {}) => this.#query<Row>(text, bindings, tenant),
      transaction: (work, scope) => this.#transaction(work, { tenant, scope }),
    }
  }

  async #query<Row>(text: string, bindings: Bindings, tenant?: TenantId): Promise<Row[]> {
    return await this.translated(() =>
      this.#onConnection((client) => {
        const connection = tenant === undefined ? client : asTenant(client, tenant)
        return this.#run<Row>(this.knex, connection, { text, bindings })
      }),
    )
  }

  async #transaction<T>(
    work: (sql: Sql) => Promise<T>,
    { tenant, scope }: { tenant?: TenantId; scope: Scope | undefined },
  ): Promise<T> {
    const limitMs = scope && (this.options.wholeJobMs ?? WHOLE_JOB_MS)
    return await this.translated(() =>
      this.#onConnection((client) => {
        const connection = tenant === undefined ? client : beginningAsTenant(client, tenant)
        const statements = async (trx: Knex): Promise<T> => {
          const sql: Sql = {
            query: (text, bindings = {}) => this.#run(trx, connection, { text, bindings, limitMs }),
          }
          if (limitMs !== undefined) await sql.query(WHOLE_JOB, { limit: String(limitMs) })
          return await work(sql)
        }
        return this.knex.transaction(statements, { connection })
      }),
    )
  }

  /** Fails with `catalog_unavailable` where the work fails for want of Postgres. */
  async translated<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        if (tries < 5 && (isDeadlock(error) || this.#unprepare(error))) continue
        throw translate(error)
      }
    }
  }

  async close(): Promise<void> {
    await this.knex.destroy()
  }

  async #run<Row>(knex: Knex, session: Session, statement: Statement): Promise<Row[]> {
    const name = this.#prepares ? nameOfPrepared(statement.text) : undefined
    return await run(knex, session, statement, name === undefined ? {} : { name })
  }

  /** Whether it was for a prepared statement that the work failed, which can be done without from now on. */
  #unprepare(error: unknown): boolean {
    if (!isForgotten(error)) return false
    if (this.#prepares)
      this.options.log.warn({ error }, 'a prepared statement was forgotten: statements are planned each time')
    this.#prepares = false
    return true
  }

  /** One that may still be in a transaction, or behind a statement that was given up, is not for the next caller. */
  async #onConnection<T>(work: (connection: pg.Client) => Promise<T>): Promise<T> {
    const connection: pg.Client = await this.knex.client.acquireConnection()
    try {
      await this.#plans.renew(connection)
      return await work(connection)
    } catch (error) {
      if (isReadTimeout(error)) void connection.end()
      throw error
    } finally {
      if (connection.getTransactionStatus() !== 'I') void connection.end()
      await this.knex.client.releaseConnection(connection)
    }
  }
}

/** How much longer than Postgres itself a client waits for the end of a statement, milliseconds. */
const CLIENT_GRACE_MS = 250

/** What a `pg` client of this database is opened with; also for those outside of the pool (LISTEN, leadership). */
export function connectionOptions(options: DatabaseOptions): pg.ClientConfig {
  return {
    connectionString: options.url,
    connectionTimeoutMillis: options.timeoutMs,
    statement_timeout: options.timeoutMs,
    // A server that is frozen, or cut off, ends no statement.
    query_timeout: options.timeoutMs + CLIENT_GRACE_MS,
    // A process that stops in the middle of a transaction must not keep its locks.
    idle_in_transaction_session_timeout: options.timeoutMs,
    keepAlive: true,
    application_name: 'lading',
    types: TYPES,
  }
}

/**
 * Until the end of the transaction. What it reads was just written and is in memory, so that a page of an index in the
 * order that is asked for costs less than all of a table and sorting it, which by its default Postgres would rather do.
 */
const WHOLE_JOB = `SELECT set_config('statement_timeout', :limit, true), set_config('random_page_cost', '1.1', true)`

interface Statement {
  readonly text: string
  readonly bindings: Bindings
  /** Milliseconds; the connection's own limit when undefined. */
  readonly limitMs?: number | undefined
}

async function run<Row>(
  knex: Knex,
  session: Session,
  { text, bindings, limitMs }: Statement,
  name: { readonly name?: string },
): Promise<Row[]> {
  try {
    const result: { rows: Record<string, unknown>[] } = await knex
      .raw(text, bindings as Record<string, Knex.Value>)
      .options({ ...name, ...(limitMs && { query_timeout: limitMs + CLIENT_GRACE_MS }) })
      .connection(session)
    return result.rows.map(camelCased) as Row[]
  } catch (error) {
    // pg leaves a statement that it gave up on in its connection, and whatever came next would wait behind it.
    if (isReadTimeout(error)) void session.end()
    throw error
  }
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

function isReadTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('Query read timeout')
}

/** Errors of the connection, or of too much at once: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(error: unknown): unknown {
  if (error instanceof LadingError) return error
  const code = codeOf(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  const unavailable =
    /^(08|40|53|55P03|57P|57014|25P03|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/.test(code) ||
    (error instanceof Error && error.name === 'KnexTimeoutError') ||
    isReadTimeout(error) ||
    /Connection terminated|timeout expired|Client has encountered a connection error|not queryable/i.test(
      message,
    )
  if (!unavailable) return error
  return new LadingError('catalog_unavailable', `Postgres does not answer: ${withoutSql(message) || code}`, {
    cause: error,
    retryAfter: 2,
  })
}

/** knex puts the text of the statement before the message, which is nothing for a client to read. */
function withoutSql(message: string): string {
  const dash = message.lastIndexOf(' - ')
  return dash === -1 ? message : message.slice(dash + 3)
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** knex writes to the console by itself; what it says of connections comes to the callers as errors, too. */
function knexLog(log: Logger): Knex.Logger {
  const debug = (message: unknown) => log.debug({ from: 'knex' }, String(message))
  return { debug, warn: debug, error: debug, deprecate: debug }
}
