import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import type { FaultCase } from '../fault-case.ts'
import { processOf } from '../fault-case.ts'

/** For the minute of the fault: leases are a tenth of what they are by default, and so is this. */
const A_MINUTE_MS = 8_000

export const POSTGRES_CASES: readonly FaultCase[] = [
  {
    name: 'postgres-restarted-mid-commit',
    fault: 'Postgres restarts while an API stands before its commit',
    expected: 'the client is told to come again, and does',
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt('accept.before-commit', { letPass: 8 })
      await scene.servers.postgres.restart()
      processOf(scene, pid).resume()
    },
  },
  {
    name: 'postgres-restarted-after-commit',
    fault: 'Postgres restarts while a worker stands before the catalog commit',
    expected: 'the worker commits when it is back, within its lease, or another does',
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt('worker.before-commit')
      await scene.servers.postgres.restart()
      processOf(scene, pid).resume()
    },
  },
  {
    name: 'postgres-pool-exhausted',
    fault: 'two connections for each process, and all rows of jobs locked by somebody else for a while',
    expected: 'uploads wait or are told to come again; nothing deadlocks',
    env: { LADING_DATABASE_POOL: '2' },
    async inject({ system, ledger }) {
      await until(() => ledger.accepted >= 5, WITHIN)
      const client = new pg.Client({ connectionString: system.databaseUrl })
      await client.connect()
      await client.query('BEGIN; LOCK TABLE jobs, work_items IN ACCESS EXCLUSIVE MODE')
      await delay(A_MINUTE_MS)
      await client.query('ROLLBACK')
      await client.end()
    },
  },
  {
    name: 'postgres-gone',
    fault: 'Postgres cannot be reached for a while (a minute, by the default lease)',
    expected: 'uploads are refused with 503, and accepted when it is back',
    async inject({ servers, ledger }) {
      await until(() => ledger.accepted >= 10, WITHIN)
      servers.networks.postgres.network = 'reset'
      await delay(A_MINUTE_MS)
      servers.networks.postgres.network = 'open'
    },
  },
  {
    name: 'postgres-black-hole',
    fault: 'the network to Postgres swallows everything for a while',
    expected: 'statements fail by their own limit; work is left to its lease',
    async inject({ servers, ledger }) {
      await until(() => ledger.accepted >= 10, WITHIN)
      servers.networks.postgres.network = 'silent'
      await delay(A_MINUTE_MS)
      servers.networks.postgres.network = 'open'
    },
  },
]
