import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { TEST_LIMIT } from '../support/patience.ts'
import { watchMemory } from '../support/process-memory.ts'
import { startSystem } from '../support/system.ts'
import { content } from '../support/system-content.ts'
import { sharedServers } from './shared-servers.ts'
import { showLogsOnFailure } from './show-logs.ts'

const MIB = 1024 * 1024
const SIZE = 3 * 1024 * MIB
/** Bytes. A file in memory, or a copy of what flows through, would be far above. */
const API_LIMIT = 350 * MIB
const WORKER_LIMIT = 350 * MIB

test(
  'a file of 3 GiB goes all the way and comes back, and no process holds it in memory',
  TEST_LIMIT,
  async ({ onTestFailed }) => {
    await using system = await startSystem({ queue: 'redis', store: 's3', servers: sharedServers() })
    showLogsOnFailure(system, onTestFailed)
    const { client, apis, workers } = system
    const [api, worker] = [watchMemory(apis[0]?.pid ?? 0), watchMemory(workers[0]?.pid ?? 0)]
    const { run_id: run } = await client.createRun()
    const file = content(SIZE)
    const digest = createHash('sha256')
    function* digested() {
      for (const chunk of file.chunks()) {
        digest.update(chunk)
        yield chunk
      }
    }
    const { status, body } = await client.put(run, 'weights.gguf', { size: SIZE, chunks: digested })
    expect(status).toBe(202)
    const sha256 = digest.digest('hex')
    expect(await client.waitJob(body.job_id)).toMatchObject({ state: 'completed', bytes: { done: SIZE } })
    expect(await client.get(run, 'weights.gguf')).toMatchObject({ status: 200, size: SIZE, sha256 })
    const peaks = { api: await api.stop(), worker: await worker.stop() }
    console.log(
      `3 GiB in, delivered, and out again; at its peak the API had ${inMib(peaks.api)} (at ${api.samples.length} looks ` +
        `${inMib(mean(api.samples))} on average), the worker ${inMib(peaks.worker)} (${inMib(mean(worker.samples))})`,
    )
    expect(peaks.api).toBeLessThan(API_LIMIT)
    expect(peaks.worker).toBeLessThan(WORKER_LIMIT)
    expect(await system.audit()).toMatchObject({ artifacts: 1 })
  },
)

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

function inMib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
