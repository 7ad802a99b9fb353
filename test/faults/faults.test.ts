import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TEST_LIMIT } from '../support/patience.ts'
import { CASES } from './cases/list.ts'
import { type FaultServers, startFaultServers } from './fault-servers.ts'
import { runCase } from './run-case.ts'

/** Those that tell most; `npm run faults` runs all. */
const SHORT = [
  'api-killed-after-commit',
  'worker-killed-after-complete',
  'worker-killed-after-commit',
  'worker-frozen-beyond-its-lease',
  'redis-absent-at-start',
  'redis-flushed',
  'postgres-restarted-mid-commit',
  's3-slow-down',
  's3-error-in-200-on-complete',
  'spool-bit-flipped',
]
const SEED = 1

describe('nothing is lost, nothing is there twice, and nothing is left over', TEST_LIMIT, () => {
  let servers: FaultServers
  beforeAll(async () => {
    servers = await startFaultServers()
  })
  afterAll(() => servers[Symbol.asyncDispose]())

  test.each(CASES.filter(({ name }) => SHORT.includes(name)))('$name: $fault', async (one) => {
    const outcome = await runCase(one, servers, SEED)
    expect(outcome.faults, outcome.logs).toEqual([])
    expect(outcome).toMatchObject({ delivered: outcome.accepted, lost: 0, duplicated: 0, orphaned: 0 })
    expect(outcome.accepted).toBeGreaterThan(0)
  })
})

test('every case has a name of its own, and the short selection names cases that there are', () => {
  const names = CASES.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
  expect(names).toEqual(expect.arrayContaining(SHORT))
})
