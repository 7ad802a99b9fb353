import { expect, test } from 'vitest'
import { Harness, type Uploader } from '../../../../test/support/worker-harness.ts'
import { lading } from '../fixtures/lading-process.ts'

test.each(['directory', 's3'] as const)(
  'what is as it should be ends it with 0, what has rotted with 3 (%s)',
  async (store) => {
    await using harness = await Harness.open({ store })
    const uploader = await deliver(harness, ['good', 'gone'])
    const verify = (...args: string[]) => lading(['verify', ...args], harness.environment).ended
    expect(await verify()).toMatchObject({
      code: 0,
      out: '2 objects (8 bytes) as the catalog says, 0 rotted, 0 could not be checked, 0 changed meanwhile.\n',
    })
    const uri = await lose(uploader, 'gone')
    const { code, out, err } = await verify('--json')
    expect(code, err).toBe(3)
    expect(linesOf(out)).toEqual([
      expect.objectContaining({ verdict: 'rotted', rot: 'missing', path: 'gone', uri, size: 4 }),
      { sum: { good: 1, rotted: 1, changed: 0, unchecked: 0, bytes: 4 } },
    ])
    const rest = await verify('--older-than', '1h')
    expect(rest).toMatchObject({ code: 0, out: expect.stringContaining('0 objects') })
    expect(await uploader.artifact('gone')).toMatchObject({ rot: { is: 'missing' } })
  },
)

test('only a tenant, or a run, is looked at when it is named', async () => {
  await using harness = await Harness.open()
  const one = await deliver(harness, ['a'])
  const other = await deliver(harness, ['b'])
  await lose(other, 'b')
  const verify = (...args: string[]) => lading(['verify', ...args], harness.environment).ended
  expect(await verify('--run', one.run.runId, '--tenant', one.tenant)).toMatchObject({
    code: 0,
    out: expect.stringContaining('1 object (4 bytes)'),
  })
  expect(await verify('--tenant', other.tenant)).toMatchObject({
    code: 3,
    out: expect.stringContaining(`b of run ${other.run.runId}`),
  })
  expect(await verify('--run', 'nothing')).toMatchObject({
    code: 2,
    err: expect.stringContaining("argument 'nothing' is invalid. it must be a run's id"),
  })
})

test('a store that cannot be read ends it with 4, and blames no object', async () => {
  await using harness = await Harness.open({ store: 's3' })
  const uploader = await deliver(harness, ['a'])
  const wrong = { ...harness.environment, AWS_SECRET_ACCESS_KEY: 'another' }
  const { code, out } = await lading(['verify'], wrong).ended
  expect(out).toContain('not checked')
  expect(code).toBe(4)
  expect(await uploader.artifact('a')).toMatchObject({ rot: undefined, verifiedAt: undefined })
})

async function deliver(harness: Harness, paths: readonly string[]): Promise<Uploader> {
  const worker = harness.startWorker()
  const uploader = await harness.uploader()
  const { jobId } = await uploader.accept(
    Object.fromEntries(paths.map((path) => [path, Buffer.from('four')])),
  )
  expect(await uploader.ended(jobId)).toMatchObject({ state: 'completed' })
  await worker.stop()
  return uploader
}

/** As someone does who deletes an object behind the catalog's back. */
async function lose({ harness, ...uploader }: Uploader, path: string): Promise<string> {
  const ref = { bucket: harness.bucket, key: `${uploader.run.location.prefix}${path}` }
  await harness.store.delete(ref, { signal: AbortSignal.timeout(30_000) })
  return harness.store.uri(ref)
}

function linesOf(out: string): unknown[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}
