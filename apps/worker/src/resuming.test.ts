import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call } from '../../../test/support/interposer.ts'
import { Harness, type TestWorker, type Uploader } from '../../../test/support/worker-harness.ts'

const MIB = 1024 * 1024
/** Three parts of 8, 8 and 1 MiB, sent one after the other. */
const LARGE = 17 * MIB
const ONE_AT_A_TIME = { requestsPerTicket: 1 }

interface CutPoint {
  readonly when: string
  readonly cut: (worker: TestWorker) => void
  /** Parts that need not be sent again. */
  readonly sent: number
}

const POINTS: readonly CutPoint[] = [
  { when: 'before the intention is known', cut: at('catalog', 'before', 'ledger.intend'), sent: 0 },
  { when: 'after the intention is known', cut: at('catalog', 'after', 'ledger.intend'), sent: 0 },
  {
    when: 'after the upload began, before its id is known',
    cut: at('store', 'after', 'createUpload'),
    sent: 0,
  },
  { when: 'after the id is known', cut: at('catalog', 'after', 'ledger.began'), sent: 0 },
  { when: 'after the first part', cut: at('store', 'after', 'uploadPart', 1), sent: 1 },
  { when: 'after the second part', cut: at('store', 'after', 'uploadPart', 2), sent: 2 },
  { when: 'after the last part', cut: at('store', 'after', 'uploadPart', 3), sent: 3 },
  { when: 'before the end of the upload', cut: at('store', 'before', 'completeUpload'), sent: 3 },
  { when: 'after the end of the upload', cut: at('store', 'after', 'completeUpload'), sent: 3 },
  { when: 'before the commit', cut: at('catalog', 'before', 'delivery.settle'), sent: 3 },
  { when: 'after the commit', cut: at('catalog', 'after', 'delivery.settle'), sent: 3 },
]

/** Cuts the worker off at the nth call of a method. */
function at(port: 'store' | 'catalog', phase: 'before' | 'after', name: string, nth = 1) {
  return (worker: TestWorker) =>
    worker[port][phase](name, (call: Call) => {
      if (call.nth === nth) worker.cut()
    })
}

describe.each(['directory', 's3'] as const)('a worker that delivers to %s is killed', (store) => {
  let harness: Harness
  let uploader: Uploader

  beforeAll(async () => {
    harness = await Harness.open({ store, config: ONE_AT_A_TIME })
    uploader = await harness.uploader()
    harness.startWorker({ delivers: false })
  })
  afterAll(() => harness[Symbol.asyncDispose]())

  test.each(POINTS)('$when, and its successor ends the upload', async ({ cut, sent }) => {
    const first = harness.startWorker({ leads: false })
    cut(first)
    const path = `${sent} ${randomBytes(4).toString('hex')}.bin`
    const { jobId } = await uploader.accept({ [path]: randomBytes(LARGE) })
    await first.catalog.whenSevered
    await harness.expireLeases()
    const second = harness.startWorker({ leads: false })
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
    expect(second.store.named('uploadPart')).toHaveLength(3 - sent)
    await harness.settled()
    for (const worker of [first, second]) await worker.kill()
  })

  test.each([
    { when: 'before the file is sent', cut: at('store', 'before', 'write') },
    { when: 'after the file is stored, before the commit', cut: at('store', 'after', 'write') },
    {
      when: 'after the commit, before it lets go of the pack',
      cut: at('catalog', 'after', 'delivery.settle'),
    },
  ])('$when in one request, and its successor finds out what happened', async ({ cut }) => {
    const first = harness.startWorker({ leads: false })
    cut(first)
    const { jobId } = await uploader.accept({ 'small.txt': randomBytes(100) })
    await first.catalog.whenSevered
    await harness.expireLeases()
    const second = harness.startWorker({ leads: false })
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
    await harness.settled()
    for (const worker of [first, second]) await worker.kill()
  })
})

describe('a worker that makes a pack the object of a directory is killed', () => {
  let harness: Harness
  let uploader: Uploader

  beforeAll(async () => {
    harness = await Harness.open({ store: 'directory' })
    uploader = await harness.uploader()
    harness.startWorker({ delivers: false })
  })
  afterAll(() => harness[Symbol.asyncDispose]())

  test.each([
    { when: 'before it does', cut: at('store', 'before', 'adopt') },
    { when: 'after it did, before the commit', cut: at('store', 'after', 'adopt') },
    {
      when: 'after the commit, before it lets go of the pack',
      cut: at('catalog', 'after', 'delivery.settle'),
    },
  ])('$when, and its successor finds out what happened', async ({ cut }) => {
    const first = harness.startWorker({ leads: false })
    cut(first)
    const bytes = randomBytes(LARGE)
    const path = `${randomBytes(4).toString('hex')}.bin`
    const { jobId } = await uploader.accept({ [path]: bytes }, { isWholePack: true })
    await first.catalog.whenSevered
    await harness.expireLeases()
    const second = harness.startWorker({ leads: false })
    expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed', files: { stored: 1 } })
    await harness.settled()
    expect((await uploader.bytesOf(path))?.equals(bytes)).toBe(true)
    expect(second.store.named('uploadPart')).toHaveLength(0)
    for (const worker of [first, second]) await worker.kill()
  })
})
