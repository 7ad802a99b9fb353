import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedServers } from '../e2e/shared-servers.ts'
import { type System, startSystem } from '../support/system.ts'
import { collectTests, runTests } from './pytest.ts'

const LIMIT_MS = process.env.LADING_TEST_LONG ? 3_600_000 : 600_000

/** Each test of pytest is one here, so that it counts as one. One that is skipped has not passed. */
describe('the Python package, against the real system', async () => {
  const ids = await collectTests()
  let system: System
  let results: Awaited<ReturnType<typeof runTests>>

  beforeAll(async () => {
    system = await startSystem({ queue: 'postgres', store: 'directory', servers: sharedServers(), apis: 2 })
    const [url = '', otherUrl = ''] = system.apis.map((api) => api.url)
    await system.run('quotas', 'set', '--tenant', 'full-corp', '--objects', '1')
    await system.run('quotas', 'set', '--tenant', 'hasty-corp', '--byte-rate', '100')
    results = await runTests(url, otherUrl)
  }, LIMIT_MS)

  afterAll(() => system?.stop())

  test.each(ids)('%s', (id) => {
    const { outcome, text } = results.get(id) ?? { outcome: 'not run', text: '' }
    expect(outcome, text).toBe('passed')
  })
})
