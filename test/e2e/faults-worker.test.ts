import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { holdRequests } from '../support/hold-requests.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import { content } from '../support/system-content.ts'
import { type FaultsSystem, startFaultsSystem } from './faults-system.ts'
import { sharedServers } from './shared-servers.ts'

const MIB = 1024 * 1024
const PARTS = 8
/** Of these, when a test goes on. */
const SENT = 3

describe('a worker that is lost in the middle of a file', TEST_LIMIT, () => {
  test('is followed by another, which sends only the parts that are missing', async (context) => {
    const system = await startFaultsSystem(context, { servers: sharedServers() })
    const { client, proxy, workers } = system
    const { jobId, file, run, held, release } = await inTheMiddleOfAFile(system)
    await workers[0]?.kill('SIGKILL')
    release()
    const successor = await system.addWorker()
    expect(await client.waitJob(jobId)).toMatchObject({ state: 'completed' })
    expect(await successor.metric('lading_resumed_parts_total')).toBeGreaterThanOrEqual(SENT)
    const arrived = proxy.requests.filter(
      ({ operation, path, status }) =>
        operation === 'UploadPart' && path.endsWith('/model.pt') && status === 200,
    )
    // What the killed one had already given to the network may arrive as well, before the successor looks or after.
    expect(arrived.length).toBeGreaterThanOrEqual(PARTS)
    expect(arrived.length).toBeLessThanOrEqual(PARTS + held.length)
    expect(await client.get(run, 'model.pt')).toMatchObject({ size: file.size, sha256: file.sha256 })
    expect(await system.audit()).toMatchObject({ artifacts: 1 })
  })

  test('when it is asked to stop, hands its work over, and no attempt is lost', async (context) => {
    const system = await startFaultsSystem(context, { servers: sharedServers() })
    const { client, workers } = system
    const { jobId, release } = await inTheMiddleOfAFile(system)
    await workers[0]?.kill('SIGTERM')
    const [handedOver] = await work(system)
    expect(handedOver).toEqual({ state: 'ready', attempts: 0, expiries: 0 })
    release()
    const successor = await system.addWorker()
    expect(await client.waitJob(jobId)).toMatchObject({ state: 'completed' })
    expect(await successor.metric('lading_resumed_parts_total')).toBeGreaterThanOrEqual(SENT)
    expect(await work(system)).toEqual([{ state: 'done', attempts: 1, expiries: 0 }])
    expect(await system.audit()).toMatchObject({ artifacts: 1 })
  })

  test('and was only frozen, harms nothing when it wakes up after a newer file', async (context) => {
    const system = await startFaultsSystem(context, { servers: sharedServers() })
    const { client, workers } = system
    const { jobId, run, holdNoMore, release } = await inTheMiddleOfAFile(system)
    const [zombie] = workers
    zombie?.pause()
    holdNoMore()
    const newer = content(12 * MIB, 'newer')
    const { body } = await client.put(run, 'model.pt', newer)
    await system.addWorker()
    expect(await client.waitJob(body.job_id)).toMatchObject({ state: 'completed', files: { stored: 1 } })
    expect(await client.waitJob(jobId)).toMatchObject({ state: 'completed', files: { superseded: 1 } })
    release()
    zombie?.resume()
    await until(async () => (await zombie?.metric('lading_ticket_seconds_count')) === 1, WITHIN)
    expect(await client.get(run, 'model.pt')).toMatchObject({ size: newer.size, sha256: newer.sha256 })
    expect(await system.audit()).toMatchObject({ artifacts: 1, files: { stored: 1, superseded: 1 } })
  })
})

describe('a request of a lost worker that reaches S3 late', TEST_LIMIT, () => {
  test.for([
    ['PutObject', 1000],
    ['CompleteMultipartUpload', 20 * MIB],
  ] as const)('changes nothing when a newer file is stored: %s', async ([operation, size], context) => {
    const system = await startFaultsSystem(context, { servers: sharedServers() })
    const { client, proxy, workers } = system
    const { run_id: run } = await client.createRun()
    await until(async () => (await workers[0]?.metric('lading_leaderships_total')) === 1, WITHIN)
    const late = holdRequests(proxy, { operation, absorb: true })
    const older = await client.put(run, 'model.pt', content(size, 'older'))
    await until(() => late.held.length === 1, WITHIN)
    const [request] = late.held
    await workers[0]?.kill('SIGKILL')
    late.holdNoMore()
    const newer = content(size + 1, 'newer')
    const { body } = await client.put(run, 'model.pt', newer)
    await system.addWorker()
    expect(await client.waitJob(body.job_id)).toMatchObject({ state: 'completed', files: { stored: 1 } })
    late.release()
    // What S3 answers nobody hears; versitygw calls it a success to complete an upload that was aborted.
    await until(() => request?.status !== undefined, WITHIN)
    expect(await client.waitJob(older.body.job_id)).toMatchObject({ files: { superseded: 1 } })
    expect(await client.get(run, 'model.pt')).toMatchObject({ size: newer.size, sha256: newer.sha256 })
    expect(await system.audit()).toMatchObject({ artifacts: 1 })
  })
})

test('a job that is cancelled in the middle of a file leaves nothing at S3', TEST_LIMIT, async (context) => {
  const system = await startFaultsSystem(context, { servers: sharedServers() })
  const { client } = system
  const { jobId, release } = await inTheMiddleOfAFile(system)
  expect(await client.cancel(jobId)).toMatchObject({ status: 202, body: { cancel_requested: true } })
  expect(await client.waitJob(jobId)).toMatchObject({ state: 'cancelled', files: { cancelled: 1 } })
  release()
  expect(await system.audit()).toMatchObject({ artifacts: 0 })
})

/** Some parts of a file are at S3, and the next are on their way until `release`. */
async function inTheMiddleOfAFile(system: FaultsSystem) {
  const { client, proxy } = system
  const { run_id: run } = await client.createRun()
  const file = content(PARTS * 8 * MIB, 'in parts')
  const { held, holdNoMore, release } = holdRequests(proxy, { operation: 'UploadPart', after: SENT })
  const { body } = await client.put(run, 'model.pt', file)
  await until(async () => held.length > 0 && (await sentParts(system)).length === SENT, WITHIN)
  return { jobId: body.job_id, run, file, held, holdNoMore, release }
}

/** As S3 lists them. */
async function sentParts({ store }: FaultsSystem): Promise<number[]> {
  const [upload] = await store.uploads()
  return upload === undefined ? [] : await store.parts(upload)
}

async function work({ databaseUrl }: FaultsSystem): Promise<object[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return (await client.query('SELECT state, attempts, expiries FROM work_items')).rows
  } finally {
    await client.end()
  }
}
