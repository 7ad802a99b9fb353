import { setTimeout as delay } from 'node:timers/promises'
import type { Checkpoint } from '@lading/core'
import pg from 'pg'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import type { Network } from '../../support/tcp-proxy.ts'
import { type FaultCase, processOf } from '../fault-case.ts'

/** For the minute of the fault: leases are a tenth of what they are by default, and so is this. */
const A_MINUTE_MS = 8_000

export const POSTGRES_CASES: readonly FaultCase[] = [
  restartedAt(
    'postgres-restarted-mid-commit',
    'accept.before-commit',
    'Postgres restarts while an API stands before its commit',
    'the client is told to come again, and does',
  ),
  restartedAt(
    'postgres-restarted-before-settling',
    'worker.before-commit',
    'Postgres restarts while a worker stands before the catalog commit',
    'the worker commits when it is back, within its lease, or another does',
  ),
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
  unreachable(
    'postgres-gone',
    'reset',
    'Postgres cannot be reached for a while (a minute, by the default lease)',
    'uploads are refused with 503, and accepted when it is back',
  ),
  unreachable(
    'postgres-black-hole',
    'silent',
    'the network to Postgres swallows everything for a while',
    'statements fail by their own limit; work is left to its lease',
  ),
]

function restartedAt(name: string, point: Checkpoint, fault: string, expected: string): FaultCase {
  return {
    name,
    fault,
    expected,
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt(point, { letPass: 4 })
      await scene.servers.postgres.restart()
      processOf(scene, pid).resume()
    },
  }
}

function unreachable(name: string, network: Network, fault: string, expected: string): FaultCase {
  return {
    name,
    fault,
    expected,
    async inject({ servers, ledger }) {
      await until(() => ledger.accepted >= 10, WITHIN)
      servers.networks.postgres.network = network
      await delay(A_MINUTE_MS)
      servers.networks.postgres.network = 'open'
    },
  }
}
