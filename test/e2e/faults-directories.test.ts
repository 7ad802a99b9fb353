import { hash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AcceptedResponse } from '@lading/protocol'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { holdRequests } from '../support/hold-requests.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { startFaultsSystem } from './faults-system.ts'
import { sharedServers } from './shared-servers.ts'
import { shell } from './shell.ts'

const FILES = 600
const TREE = new Map(
  Array.from({ length: FILES }, (_, n) => {
    const text = JSON.stringify({ n })
    return [`d/${n}.json`, { text, sha256: hash('sha256', text) }]
  }),
)
const SENT = digestsOf(TREE)

const SEND =
  "tar c -C tree . | curl -T - -X POST -H 'Content-Type: application/x-tar' -H 'X-Tenant-ID: acme-corp' $LADING/api/v1/experiments/runs/$RUN/log-artifacts"

describe('a directory', TEST_LIMIT, () => {
  let redis: TestRedis
  let folder: string
  beforeAll(async () => {
    redis = await startRedis()
    folder = await mkdtemp(join(tmpdir(), 'lading-tree-'))
    await mkdir(join(folder, 'tree/d'), { recursive: true })
    for (const [path, { text }] of TREE) await writeFile(join(folder, 'tree', path), text)
  })
  afterAll(async () => {
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('whose worker is killed in the middle, and whose queue is flushed, arrives whole, each file once', async (context) => {
    const system = await startFaultsSystem(context, { servers: { ...sharedServers(), redisUrl: redis.url } })
    const { client, proxy, workers } = system
    const { run_id: RUN } = await client.createRun()
    const requests = holdRequests(proxy, { operation: 'PutObject', after: 100 })
    const receipt = await shell(SEND, folder, { RUN, LADING: system.apis[0]?.url ?? '' })
    const { job_id } = JSON.parse(receipt) as AcceptedResponse
    await until(() => requests.held.length > 0, WITHIN)
    expect((await client.list(RUN)).size).toBe(0)
    await workers[0]?.kill('SIGKILL')
    const connection = new Redis(redis.url)
    await connection.flushall()
    connection.disconnect()
    requests.release()
    await system.addWorker()
    expect(await client.waitJob(job_id)).toMatchObject({
      state: 'completed',
      files: { total: FILES, stored: FILES },
    })
    expect(digestsOf(await client.list(RUN))).toEqual(SENT)
    expect(await system.audit()).toMatchObject({ artifacts: FILES })
  })

  test('whose API is killed in the middle of the archive was never accepted, and arrives when it is sent again', async (context) => {
    const system = await startFaultsSystem(context, {
      servers: { ...sharedServers(), redisUrl: redis.url },
      env: { LADING_KEEP_PARTIAL: '1s' },
    })
    const { client, apis, spoolDirectory } = system
    const { run_id: RUN } = await client.createRun()
    const broken = shell(
      "(tar c -C tree . ; sleep 3) | curl -T - -X POST -H 'Content-Type: application/x-tar' -H 'X-Tenant-ID: acme-corp' $LADING/api/v1/experiments/runs/$RUN/log-artifacts",
      folder,
      { RUN, LADING: apis[0]?.url ?? '' },
    )
    const refused = expect(broken).rejects.toThrow()
    await until(async () => (await readdir(join(spoolDirectory, 'incoming'))).length > 0, WITHIN)
    await apis[0]?.kill('SIGKILL')
    await refused
    await system.addApi()
    expect((await client.jobs(`run_id=${RUN}`)).jobs).toEqual([])
    expect(await system.audit()).toMatchObject({ artifacts: 0, jobs: {} })
    const receipt = await shell(SEND, folder, { RUN, LADING: client.address('') })
    const { job_id } = JSON.parse(receipt) as AcceptedResponse
    expect(await client.waitJob(job_id)).toMatchObject({ state: 'completed', files: { stored: FILES } })
    expect(digestsOf(await client.list(RUN))).toEqual(SENT)
    expect(await system.audit()).toMatchObject({ artifacts: FILES })
  })
})

function digestsOf(files: ReadonlyMap<string, { readonly sha256: string }>): Map<string, string> {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(sorted.map(([path, { sha256 }]) => [path, sha256]))
}
