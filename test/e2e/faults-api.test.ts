import { randomUUID } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import type { Sendable } from '../support/system-client.ts'
import { type Content, content } from '../support/system-content.ts'
import { type FaultsSystem, startFaultsSystem } from './faults-system.ts'
import { sharedServers } from './shared-servers.ts'

const MIB = 1024 * 1024

describe('an API that is killed', TEST_LIMIT, () => {
  test('in the middle of a body has accepted nothing, and the same request again succeeds', async (context) => {
    const system = await startFaultsSystem(context, {
      servers: sharedServers(),
      env: { LADING_KEEP_PARTIAL: '1s', LADING_IDEMPOTENCY_LEASE: '2s' },
    })
    const { client, apis } = system
    const { run_id: run } = await client.createRun()
    const file = content(24 * MIB, 'twice')
    const headers = { 'idempotency-key': randomUUID() }
    const stalled = stallingIn(file, 20 * MIB)
    const broken = client.put(run, 'model.pt', stalled.file, headers).catch((error: unknown) => error)
    await until(async () => (await partialBytes(system)) >= 8 * MIB, WITHIN)
    await apis[0]?.kill('SIGKILL')
    expect(await broken).toBeInstanceOf(Error)
    await system.addApi()
    expect((await client.jobs(`run_id=${run}`)).jobs).toEqual([])
    await until(async () => (await partialBytes(system)) === 0, WITHIN)
    const accepted = await until(async () => {
      const answer = await client.put(run, 'model.pt', file, headers)
      return answer.status === 202 && answer
    }, WITHIN)
    expect(await client.waitJob(accepted.body.job_id)).toMatchObject({ state: 'completed' })
    const again = await client.put(run, 'model.pt', file, headers)
    expect(again.body.job_id).toBe(accepted.body.job_id)
    expect(await system.audit()).toMatchObject({ artifacts: 1, jobs: { completed: 1 } })
  })
})

test(
  'an API that is asked to stop takes the body that is under way to its end',
  TEST_LIMIT,
  async (context) => {
    const system = await startFaultsSystem(context, { servers: sharedServers() })
    const { client, apis } = system
    const { run_id: run } = await client.createRun()
    const file = content(24 * MIB, 'to the end')
    const stalled = stallingIn(file, 20 * MIB)
    const put = client.put(run, 'model.pt', stalled.file)
    await until(async () => (await partialBytes(system)) >= 8 * MIB, WITHIN)
    const ended = apis[0]?.kill('SIGTERM')
    await until(() => apis[0]?.lines.some((line) => line.includes('"stopping"')), WITHIN)
    stalled.goOn()
    expect(await put).toMatchObject({ status: 202 })
    await ended
    await system.addApi()
    expect(await client.waitJob((await put).body.job_id)).toMatchObject({ state: 'completed' })
    expect(await client.get(run, 'model.pt')).toMatchObject({ size: file.size, sha256: file.sha256 })
    await system.audit()
  },
)

/** The same bytes, by a client that stops after some of them until it is told to go on. */
function stallingIn(file: Content, after: number): { file: Sendable; goOn: () => void } {
  const gate = Promise.withResolvers<void>()
  async function* chunks() {
    let sent = 0
    for (const chunk of file.chunks()) {
      if (sent >= after) await gate.promise
      yield chunk
      sent += chunk.length
    }
  }
  return { file: { size: file.size, chunks }, goOn: gate.resolve }
}

/** Bytes in packs that are being written. */
async function partialBytes({ spoolDirectory }: FaultsSystem): Promise<number> {
  const incoming = join(spoolDirectory, 'incoming')
  const sizes = (await readdir(incoming)).map(async (name) => (await stat(join(incoming, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
