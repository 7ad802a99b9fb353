import type { TenantId } from '@lading/core'
import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { Harness } from '../../../test/support/worker-harness.ts'

const RETRY = { attempts: 1_000, expiries: 20, maxAgeMs: 300, baseDelayMs: 20, maxDelayMs: 100 }

test('work whose spool no worker sees fails when it is too old, and is delivered by a retry when one does', async () => {
  await using harness = await Harness.open({ config: { retry: RETRY, leaseMs: 400 } })
  const leader = harness.startWorker({ delivers: false })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ 'a.bin': Buffer.from('kept'), 'b.bin': Buffer.from('too') })
  expect(await uploader.ended(jobId)).toMatchObject({
    state: 'failed',
    files: { failed: 2 },
    error: { code: 'spool_unseen', detail: expect.stringContaining(harness.spool.id) },
  })
  await leader.stop()
  harness.startWorker()
  await harness.catalog.api.jobs.retry(uploader.run.tenantId as TenantId, jobId)
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 2 } })
  await harness.settled()
})

test('work that is young waits for a worker that sees its spool, however long none does', async () => {
  await using harness = await Harness.open({ config: { leaseMs: 200 } })
  const leader = harness.startWorker({ delivers: false })
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept({ 'a.bin': Buffer.from('kept') })
  await until(() => leader.catalog.named('backlog.overdue').length > 2, { within: 30_000 })
  harness.startWorker()
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
})
