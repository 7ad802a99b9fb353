import { newId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Harness } from '../../../test/support/worker-harness.ts'
import { DEFAULT_WORKER_CONFIG } from './config.ts'
import { LeaseKeeper } from './lease-keeper.ts'

let harness: Harness
let keeper: LeaseKeeper

beforeAll(async () => {
  harness = await Harness.open()
  keeper = new LeaseKeeper({
    catalog: harness.catalog.delivery,
    config: DEFAULT_WORKER_CONFIG,
    log: harness.log,
  })
})
afterAll(async () => {
  keeper.close()
  await harness[Symbol.asyncDispose]()
})

test('work that comes back before its earlier lease was noticed to be over ends the earlier attempt', () => {
  const workId = newId()
  const first = keeper.hold({ workId, epoch: 1 }, performance.now())
  const second = keeper.hold({ workId, epoch: 2 }, performance.now())
  expect(first.lost.reason).toMatchObject({ code: 'lease_lost' })
  first.release()
  expect(() => second.check()).not.toThrow()
  second.release()
})

test('a process that was stopped for longer than its lease finds out at its next request', () => {
  const { leaseMs } = DEFAULT_WORKER_CONFIG
  const lease = keeper.hold({ workId: newId(), epoch: 1 }, performance.now() - leaseMs)
  expect(lease.lost.aborted).toBe(false)
  expect(() => lease.check()).toThrow('lease_lost')
  expect(lease.lost.aborted).toBe(true)
})

test('a keeper that closes holds nothing any more', () => {
  const closing = new LeaseKeeper({
    catalog: harness.catalog.delivery,
    config: DEFAULT_WORKER_CONFIG,
    log: harness.log,
  })
  const lease = closing.hold({ workId: newId(), epoch: 1 }, performance.now())
  closing.close()
  expect(lease.lost.reason).toMatchObject({ code: 'lease_lost' })
})
