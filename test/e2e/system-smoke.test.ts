import { describe, expect, test } from 'vitest'
import { startSystem } from '../support/system.ts'
import { content } from '../support/system-content.ts'
import { sharedServers } from './shared-servers.ts'
import { showLogsOnFailure } from './show-logs.ts'

/** The combinations that do not run the whole suite: each part has been seen with another one there. */
describe.each([
  { queue: 'redis', store: 'directory' },
  { queue: 'postgres', store: 's3' },
] as const)('queue: $queue, store: $store', (combination) => {
  test('small and large files arrive, and come back as they were', async ({ onTestFailed }) => {
    await using system = await startSystem({ ...combination, servers: sharedServers() })
    showLogsOnFailure(system, onTestFailed)
    const { client } = system
    const { run_id: run } = await client.createRun()
    const files = [0, 1000, 20 * 1024 * 1024].map((size) => ({ name: `${size}.bin`, file: content(size) }))
    const { body } = await client.logArtifact(run, files)
    expect(await client.waitJob(body.job_id)).toMatchObject({ state: 'completed', files: { stored: 3 } })
    for (const { name, file } of files) {
      expect(await client.get(run, name)).toMatchObject({
        status: 200,
        size: file.size,
        sha256: file.sha256,
      })
    }
    expect(await system.audit()).toMatchObject({ artifacts: 3 })
  })
})
