import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedServers } from '../e2e/shared-servers.ts'
import { type System, startSystem } from '../support/system.ts'
import { collectTests, runTests } from './pytest.ts'

/** Each test of pytest is one here, so that it counts as one. One that is skipped has not passed. */
describe('the Python package, against the real system', async () => {
  const ids = await collectTests()
  let system: System
  let results: Awaited<ReturnType<typeof runTests>>

  beforeAll(async () => {
    system = await startSystem({ queue: 'postgres', store: 'directory', servers: sharedServers() })
    results = await runTests(system.apis[0]?.url ?? '')
  }, 600_000)

  afterAll(() => system?.stop())

  test.each(ids)('%s', (id) => {
    const { outcome, text } = results.get(id) ?? { outcome: 'not run', text: '' }
    expect(outcome, text).toBe('passed')
  })
})
