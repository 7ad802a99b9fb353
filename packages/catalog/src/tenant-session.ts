import type { TenantId } from '@lading/core'
import pg from 'pg'
import { TENANT_ROLE, TENANT_SETTING } from './migrations/tenant-wall.ts'

/** A statement, and the milliseconds after which it is given up, where those are not the connection's own. */
interface Config extends pg.QueryConfig {
  readonly query_timeout?: number | undefined
}

/** What running a statement needs of a connection. */
export interface Session {
  query(config: Config, done: (error: Error | null, result?: pg.QueryResult) => void): void
  end(): Promise<void>
}

/** Until the end of the transaction. */
export const AS_TENANT = `SELECT set_config('role', '${TENANT_ROLE}', true), set_config('${TENANT_SETTING}', $1, true)`

/**
 * The connection, with each statement run as the tenant: what says so goes ahead of it in the same message. Both are one
 * implicit transaction, or part of the open one, and with its end Postgres forgets the tenant: behind a pooler, too, the
 * next who is given the session is nobody. It costs no round trip.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export function asTenant(connection: pg.Client, tenant: TenantId): Session {
  return {
    query(config, done) {
      const statement = withAhead(config, tenant)
      statement.callback = (error, results) => done(error, Array.isArray(results) ? results.at(-1) : results)
      connection.query(statement)
    },
    end: () => connection.end(),
  }
}

/** The connection, for one transaction: what says whose it is goes ahead of its BEGIN, which takes that in. */
export function beginningAsTenant(connection: pg.Client, tenant: TenantId): Session {
  let next = asTenant(connection, tenant)
  return {
    query(config, done) {
      const session = next
      next = connection
      session.query(config, done)
    },
    end: () => connection.end(),
  }
}

/** `pg` calls this back with the results of all that it sent, as an array when those are several. */
interface Statement extends pg.Query {
  callback: (error: Error | null, results?: pg.QueryResult | pg.QueryResult[]) => void
  query_timeout: number | undefined
}

function withAhead(config: Config, tenant: TenantId): Statement {
  const statement = new pg.Query({ ...config, queryMode: 'extended' } as pg.QueryConfig) as Statement
  statement.query_timeout = config.query_timeout
  const submit = statement.submit
  statement.submit = (connection) => {
    connection.stream.cork()
    connection.parse({ name: '', text: AS_TENANT, types: [] }, true)
    connection.bind({ values: [tenant] }, true)
    connection.describe({ type: 'P', name: '' }, true)
    connection.execute({}, true)
    try {
      return submit.call(statement, connection)
    } finally {
      connection.stream.uncork()
    }
  }
  return statement
}
