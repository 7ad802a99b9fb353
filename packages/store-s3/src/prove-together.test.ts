import type { ObjectStore, WrittenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { describe, expect, it } from 'vitest'
import { answer, type LyingS3 } from './fixtures/lying-s3.ts'
import { factsOf, openLyingS3, SIGNAL, WRITE } from './fixtures/open-lying-s3.ts'
import { fault, xml } from './fixtures/replies.ts'

const ABORTED = AbortSignal.abort(new Error('the lease is lost'))

describe('many small objects', () => {
  it('are proven by one list, where the store leaves the size out of its answers', async () => {
    const { server, store } = await probed()
    const written = await writeMany(store, 50)
    const heads = server.count('HeadObject')
    expect(await store.proveWritten(written, SIGNAL)).toEqual(
      written.map(({ etag }) => ({ etag, proof: 'checksum' })),
    )
    expect(server.count('ListObjectsV2')).toBe(1)
    expect(server.count('HeadObject')).toBe(heads)
  })

  it('are asked for one by one when a list is not worth its price', async () => {
    const { server, store } = await probed()
    const heads = server.count('HeadObject')
    await store.proveWritten(await writeMany(store, 12), SIGNAL)
    expect(server.count('ListObjectsV2')).toBe(0)
    expect(server.count('HeadObject')).toBe(heads + 12)
  })

  it('are proven although most of what lies between them is not theirs', async () => {
    const { server, store } = await probed()
    const all = await writeMany(store, 200)
    const sparse = all.filter((_, index) => index % 10 === 0)
    const proven = await store.proveWritten(sparse, SIGNAL)
    expect(proven.map((it) => 'etag' in it && it.etag)).toEqual(sparse.map(({ etag }) => etag))
    expect(server.count('ListObjectsV2')).toBe(1)
  })

  it('are found out one by one, when one is short, one is gone and one is another', async () => {
    const { server, store } = await probed()
    const written = await writeMany(store, 20)
    const [short, gone, other] = [3, 7, 11].map((index) => pathOf(written, index)) as [string, string, string]
    alter(server, short, (body) => body.subarray(1))
    server.objects.delete(gone)
    alter(server, other, (body) => Buffer.from(body).fill(0), '"00000000000000000000000000000000"')
    const codes = (await store.proveWritten(written, SIGNAL)).map((it) =>
      it instanceof LadingError ? it.code : 'proven',
    )
    expect(
      codes.map((code, index) => (code === 'proven' ? -1 : index)).filter((index) => index >= 0),
    ).toEqual([3, 7, 11])
    expect(new Set(codes)).toEqual(new Set(['proven', 'store_object_mismatch']))
  })

  for (const [name, reply] of [
    ['may not be listed', fault(403, 'AccessDenied')],
    ['are not in the list', xml(200, '<ListBucketResult></ListBucketResult>')],
  ] as const) {
    it(`are asked for one by one where they ${name}`, async () => {
      const { server, store } = await probed()
      const written = await writeMany(store, 20)
      const heads = server.count('HeadObject')
      server.lie('ListObjectsV2', answer(reply))
      for (const it of await store.proveWritten(written, SIGNAL))
        expect(it).toMatchObject({ proof: 'checksum' })
      expect(server.count('HeadObject')).toBe(heads + 20)
    })
  }

  it('need no further question where the answers to their writes say all', async () => {
    const { server, store } = await probed({ sizes: 'in answers' })
    const written = await writeMany(store, 20)
    const before = server.requests.length
    expect(await store.proveWritten(written, SIGNAL)).toHaveLength(20)
    expect(server.requests.length).toBe(before)
  })

  it('are proven as they are written by a store that was not probed', async () => {
    const { store } = await openLyingS3()
    for (const { proof } of await writeMany(store, 3)) expect(proof).toBe('checksum')
  })

  it('stay unproven when the caller lets go', async () => {
    const { store } = await probed()
    const written = await writeMany(store, 20)
    await expect(store.proveWritten(written, ABORTED)).rejects.toThrow('the lease is lost')
  })
})

async function probed(character: Parameters<typeof openLyingS3>[0] = {}) {
  const opened = await openLyingS3(character)
  await opened.store.probe('bucket', '', SIGNAL)
  const before = opened.server.count('ListObjectsV2')
  expect(before).toBe(0)
  return opened
}

async function writeMany(store: ObjectStore, count: number): Promise<WrittenObject[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const body = Buffer.from(`file ${index}`)
      const key = `runs/1/file-${String(index).padStart(5, '0')}.json`
      return store.write({ bucket: 'bucket', key }, body, factsOf(body), WRITE)
    }),
  )
}

function pathOf(written: readonly WrittenObject[], index: number): string {
  const ref = written[index]?.ref
  return `/${ref?.bucket}/${ref?.key}`
}

function alter(server: LyingS3, path: string, change: (body: Buffer) => Buffer, etag?: string): void {
  const stored = server.objects.get(path)
  if (stored === undefined) throw new Error(`nothing lies at ${path}`)
  server.objects.set(path, { ...stored, body: change(stored.body), etag: etag ?? stored.etag })
}
