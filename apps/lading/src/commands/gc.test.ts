import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { Harness } from '../../../../test/support/worker-harness.ts'
import { lading } from '../fixtures/lading-process.ts'

test('orphans are listed first, with what they take, and removed by --delete', async () => {
  await using harness = await Harness.open({ store: 's3' })
  const { run } = await harness.uploader()
  const key = `${run.location.prefix}nobody/has this.bin`
  const ref = { bucket: harness.bucket, key }
  const facts = { size: 0, sha256: '', crc32: 0, contentType: 'text/plain' } as never
  const signal = AbortSignal.timeout(60_000)
  await harness.store.createUpload(ref, facts, signal)
  const gc = (...args: string[]) => lading(['gc', ...args], harness.environment).ended
  expect(await gc()).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^0 objects, 0 uploads and 0 packs would/),
  })
  expect(await gc('--older-than', '0s')).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /^upload .*has this.bin {2}found\n0 objects, 1 upload and 0 packs would be removed/,
    ),
  })
  const { code, out, err } = await gc('--older-than', '0s', '--delete', '--json')
  expect(code, err).toBe(0)
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    expect.objectContaining({ what: 'upload', uri: harness.store.uri(ref), bytes: 0, outcome: 'removed' }),
    {
      sum: {
        deleted: true,
        objects: { count: 0, bytes: 0 },
        uploads: { count: 1, bytes: 0 },
        packs: { count: 0, bytes: 0 },
        bytes: 0,
        failures: 0,
      },
    },
  ])
  for await (const upload of harness.store.listUploads(harness.bucket, '', signal))
    expect(upload).toBeUndefined()
})

test('a bucket that cannot be listed ends it with 4, and a spool that is not here is not made', async () => {
  await using harness = await Harness.open({ store: 's3' })
  await harness.uploader()
  const elsewhere = `${harness.spoolDirectory}-elsewhere`
  const wrong = { ...harness.environment, AWS_SECRET_ACCESS_KEY: 'another', LADING_SPOOL_DIR: elsewhere }
  expect(await lading(['gc'], wrong).ended).toMatchObject({
    code: 4,
    out: expect.stringContaining('1 could not be listed or removed'),
  })
  await expect(rm(elsewhere, { recursive: true })).rejects.toMatchObject({ code: 'ENOENT' })
})
