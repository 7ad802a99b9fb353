import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import { type Content, content } from '../support/system-content.ts'
import { startFaultsSystem } from './faults-system.ts'
import { sharedServers } from './shared-servers.ts'

const MIB = 1024 * 1024
const TENANT = { 'x-tenant-id': 'acme-corp' }
const PIECE = { ...TENANT, 'content-type': 'application/offset+octet-stream' }

test('a resumable upload goes on where it stood after its API was killed', TEST_LIMIT, async (context) => {
  const system = await startFaultsSystem(context, {
    servers: sharedServers(),
    queue: 'postgres',
    store: 'directory',
  })
  const { client, apis, spoolDirectory } = system
  const { run_id: run } = await client.createRun()
  const file = content(24 * MIB, 'resumed')
  const bytes = await bytesOf(file)
  const created = await fetch(client.address(`/api/v1/experiments/runs/${run}/resumable`), {
    method: 'POST',
    headers: {
      ...TENANT,
      'upload-length': String(file.size),
      'upload-metadata': `path ${btoa('model.pt')},sha256 ${btoa(file.sha256)}`,
    },
  })
  const url = created.headers.get('location') ?? ''
  const patch = (from: number, body: Uint8Array<ArrayBuffer> | ReadableStream) =>
    fetch(client.address(url), {
      method: 'PATCH',
      headers: { ...PIECE, 'upload-offset': String(from) },
      body,
      duplex: 'half',
    } as RequestInit)
  expect((await patch(0, bytes.subarray(0, 5 * MIB))).status).toBe(204)

  const broken = patch(5 * MIB, stalling(bytes.subarray(5 * MIB, 15 * MIB))).catch((error: unknown) => error)
  const pack = join(spoolDirectory, 'growing', url.split('/').at(-1) ?? '')
  await until(async () => (await stat(pack)).size > 10 * MIB, WITHIN)
  await apis[0]?.kill('SIGKILL')
  expect(await broken).toBeInstanceOf(Error)
  await system.addApi()

  const head = await fetch(client.address(url), { method: 'HEAD', headers: TENANT })
  expect(head.headers.get('upload-offset')).toBe(String(5 * MIB))
  const done = await until(async () => {
    const answer = await patch(5 * MIB, bytes.subarray(5 * MIB))
    return answer.status === 204 && answer
  }, WITHIN)
  const jobId = done.headers.get('lading-job-id') ?? ''
  expect(await client.waitJob(jobId)).toMatchObject({ state: 'completed' })
  expect(await client.get(run, 'model.pt')).toMatchObject({ size: file.size, sha256: file.sha256 })
  expect(await system.audit()).toMatchObject({ artifacts: 1, jobs: { completed: 1 } })
})

async function bytesOf(file: Content): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  for await (const chunk of file.chunks()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A body that gives its bytes, and then nothing more. */
function stalling(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(bytes) })
}
