import { createHash, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import {
  type Crc32,
  crc32Of,
  type ObjectFacts,
  type ObjectRef,
  type ObjectStore,
  type Sha256Hex,
} from '@lading/core'
import { type ErrorCode, LadingError } from '@lading/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

export interface OpenedStore {
  readonly store: ObjectStore
  /** A bucket that is there, and that only this suite writes to. */
  readonly bucket: string
  close(): Promise<void>
}

const MIB = 1024 * 1024
const NONE = { kind: 'none' } as const
const ABSENT = { kind: 'absent' } as const

/** What every object store promises. A new adapter starts by passing it. */
export function describeObjectStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`objects in ${name}`, { timeout: 120_000 }, () => {
    let opened: OpenedStore
    let store: ObjectStore
    let prefix: string
    const signal = new AbortController().signal
    const write = { precondition: NONE, signal }
    const at = (key: string): ObjectRef => ({ bucket: opened.bucket, key: `${prefix}${key}` })
    const read = async (ref: ObjectRef, range?: { start: number; end: number }) =>
      await buffer((await store.get(ref, { signal, ...(range === undefined ? {} : { range }) })).body)
    const put = (ref: ObjectRef, body: Buffer) => store.put(ref, body, factsOf(body), write)

    beforeAll(async () => {
      opened = await open()
      store = opened.store
      await store.probe(opened.bucket, 'probe/', signal)
    })
    afterAll(() => opened?.close())
    beforeEach(() => {
      prefix = `${randomUUID()}/`
    })

    describe('an object of one request', () => {
      for (const size of [0, 1, MIB]) {
        it(`comes back as it was put, with ${size} bytes`, async () => {
          const body = bytes(size)
          const stored = await put(at('object'), body)
          expect((await read(at('object'))).equals(body)).toBe(true)
          const head = await store.head(at('object'), signal)
          expect(head).toMatchObject({ size, etag: stored.etag })
          expect([undefined, factsOf(body).crc32]).toContain(head?.crc32)
          expect([undefined, factsOf(body).sha256]).toContain(head?.declaredSha256)
        })
      }

      for (const key of ODD_KEYS) {
        it(`can have the key ${JSON.stringify(key).slice(0, 60)}`, async () => {
          const body = Buffer.from(key)
          await put(at(key), body)
          expect((await read(at(key))).toString()).toBe(key)
          expect((await all(store.list(opened.bucket, prefix, signal))).map((it) => it.key)).toEqual([
            at(key).key,
          ])
          expect((await store.head(at(key), signal))?.size).toBe(body.length)
          await store.delete(at(key), { signal })
          expect(await store.head(at(key), signal)).toBeUndefined()
        })
      }

      it('has a URI of the scheme, with the bucket and the key in it', () => {
        const uri = store.uri(at('models/model.pkl'))
        expect(uri.startsWith(`${store.scheme}://`)).toBe(true)
        expect(uri.endsWith(`${opened.bucket}/${prefix}models/model.pkl`)).toBe(true)
      })

      it('is replaced whole by a later one, and by the same one again', async () => {
        await put(at('object'), bytes(1000))
        await put(at('object'), bytes(10, 7))
        await put(at('object'), bytes(10, 7))
        expect((await read(at('object'))).equals(bytes(10, 7))).toBe(true)
      })

      it('has another ETag when its bytes change but not its size', async () => {
        const first = await put(at('object'), bytes(100, 1))
        const second = await put(at('object'), bytes(100, 2))
        expect(second.etag).not.toBe(first.etag)
      })

      it('is not stored when its bytes are not those that were accepted', async () => {
        const body = bytes(2000)
        const flipped = Buffer.from(body)
        flipped[1000] = (flipped[1000] ?? 0) ^ 1
        await refused(store.put(at('object'), flipped, factsOf(body), write), ...MISMATCH)
        await refused(store.put(at('object'), body.subarray(1), factsOf(body), write), ...MISMATCH)
        await refused(
          store.put(at('object'), body, { ...factsOf(body), crc32: 1 as Crc32 }, write),
          ...MISMATCH,
        )
        expect(await store.head(at('object'), signal)).toBeUndefined()
        expect(await all(store.list(opened.bucket, prefix, signal))).toEqual([])
      })

      it('is proven with many others, each by itself', async () => {
        const bodies = Array.from({ length: 20 }, (_, index) => bytes(10 + index, index))
        const written = await Promise.all(
          bodies.map((body, index) => store.write(at(`many/${index}`), body, factsOf(body), write)),
        )
        const proven = await store.proveWritten(written, signal)
        expect(proven).toHaveLength(20)
        for (const [index, answer] of proven.entries()) {
          expect(answer).toMatchObject({ etag: written[index]?.etag, proof: expect.stringMatching(/./) })
          expect((await store.head(at(`many/${index}`), signal))?.size).toBe(10 + index)
        }
      })

      it('does not keep the buffer that it was put from', async () => {
        const body = bytes(MIB)
        const facts = factsOf(body)
        await store.put(at('object'), body, facts, write)
        body.fill(0)
        expect(await store.prove(at('object'), facts, signal)).toBeDefined()
      })
    })

    describe('deleting', () => {
      it('an object that is gone succeeds', async () => {
        await store.delete(at('nothing'), { signal })
        await put(at('object'), bytes(1))
        await store.delete(at('object'), { signal })
        await store.delete(at('object'), { signal })
        expect(await store.head(at('object'), signal)).toBeUndefined()
      })

      it('leaves an object with another ETag alone', async () => {
        const first = await put(at('object'), bytes(10, 1))
        const second = await put(at('object'), bytes(10, 2))
        await store.delete(at('object'), { ifMatch: first.etag, signal })
        expect(await store.head(at('object'), signal)).toBeDefined()
        await store.delete(at('object'), { ifMatch: second.etag, signal })
        expect(await store.head(at('object'), signal)).toBeUndefined()
      })

      it('one object leaves its neighbours', async () => {
        await put(at('a/b/c'), bytes(1))
        await put(at('a/b/d'), bytes(1))
        await store.delete(at('a/b/c'), { signal })
        expect(await store.head(at('a/b/d'), signal)).toBeDefined()
        await store.delete(at('a/b/d'), { signal })
        await put(at('a'), bytes(1))
        expect(await store.head(at('a'), signal)).toBeDefined()
      })
    })

    describe('an upload in parts', () => {
      const whole = bytes(10 * MIB + 123)
      const facts = factsOf(whole)
      const parts = [1, 2, 3].map((partNumber) => {
        const body = whole.subarray((partNumber - 1) * 5 * MIB, partNumber * 5 * MIB)
        return { partNumber, body, crc32: crc32Of(body) }
      })
      const part = (number: number) => parts[number - 1] as (typeof parts)[number]
      const begin = () => store.createUpload(at('object'), facts, signal)
      const send = (id: string, number: number) => store.uploadPart(at('object'), id, part(number), signal)
      const sendAll = async (id: string) => await Promise.all([send(id, 3), send(id, 1), send(id, 2)])

      it('becomes the object, in whatever order its parts arrived', async () => {
        const id = await begin()
        const receipts = await sendAll(id)
        const stored = await store.completeUpload(at('object'), id, receipts, facts, write)
        expect((await read(at('object'))).equals(whole)).toBe(true)
        expect(await store.head(at('object'), signal)).toMatchObject({
          size: whole.length,
          etag: stored.etag,
        })
        expect(await store.prove(at('object'), facts, signal)).toMatchObject({ etag: stored.etag })
        expect(await all(store.listUploads(opened.bucket, prefix, signal))).toEqual([])
      })

      it('goes on from the parts that the store lists', async () => {
        const id = await begin()
        const first = await send(id, 3)
        await send(id, 1)
        const again = await send(id, 1)
        const listed = await store.listParts(at('object'), id, signal)
        expect(listed.map((it) => it.partNumber)).toEqual([1, 3])
        expect(listed).toMatchObject([
          { etag: again.etag, size: 5 * MIB },
          { etag: first.etag, size: 123 },
        ])
        for (const it of listed) expect([undefined, part(it.partNumber).crc32]).toContain(it.crc32)
        const rest = await send(id, 2)
        await store.completeUpload(at('object'), id, [...listed, rest], facts, write)
        expect((await read(at('object'))).equals(whole)).toBe(true)
      })

      it('keeps the last of two parts that have the same number', async () => {
        const id = await begin()
        const other = bytes(5 * MIB, 9)
        await store.uploadPart(
          at('object'),
          id,
          { partNumber: 2, body: other, crc32: crc32Of(other) },
          signal,
        )
        const receipts = await sendAll(id)
        expect(await store.listParts(at('object'), id, signal)).toHaveLength(3)
        await store.completeUpload(at('object'), id, receipts, facts, write)
        expect(await store.prove(at('object'), facts, signal)).toBeDefined()
      })

      it('can have a single part, even a small or an empty one', async () => {
        for (const size of [0, 10]) {
          const body = bytes(size)
          const id = await store.createUpload(at('small'), factsOf(body), signal)
          const only = { partNumber: 1, body, crc32: crc32Of(body) }
          const receipt = await store.uploadPart(at('small'), id, only, signal)
          await store.completeUpload(at('small'), id, [receipt], factsOf(body), write)
          expect((await read(at('small'))).length).toBe(size)
        }
      })

      it('refuses a part whose bytes are not those that were accepted, and does not list it', async () => {
        const id = await begin()
        const flipped = Buffer.from(part(1).body)
        flipped[4_000_000] = (flipped[4_000_000] ?? 0) ^ 1
        const wrong = { partNumber: 1, body: flipped, crc32: part(1).crc32 }
        await refused(store.uploadPart(at('object'), id, wrong, signal), 'store_checksum_mismatch')
        expect(await store.listParts(at('object'), id, signal)).toEqual([])
      })

      it('does not become an object that is not the one that was accepted', async () => {
        const id = await begin()
        const receipts = await sendAll(id)
        const other = { ...facts, crc32: 1 as Crc32 }
        await refused(store.completeUpload(at('object'), id, receipts, other, write), ...MISMATCH)
        expect(await store.prove(at('object'), facts, signal)).toBeUndefined()
      })

      it('can be completed again when the answer was lost, also by a writer that expects nothing there', async () => {
        const id = await begin()
        const receipts = await sendAll(id)
        const options = { precondition: ABSENT, signal }
        const first = await store.completeUpload(at('object'), id, receipts, facts, options)
        const second = await store.completeUpload(at('object'), id, receipts, facts, options)
        expect(second.etag).toBe(first.etag)
      })

      it('is gone after it was aborted, and aborting it again succeeds', async () => {
        const id = await begin()
        const receipt = await send(id, 1)
        await store.abortUpload(at('object'), id, signal)
        await store.abortUpload(at('object'), id, signal)
        await refused(send(id, 2), 'store_upload_gone')
        await refused(store.listParts(at('object'), id, signal), 'store_upload_gone')
        await refused(store.completeUpload(at('object'), id, [receipt], facts, write), 'store_upload_gone')
        expect(await store.head(at('object'), signal)).toBeUndefined()
        expect(await all(store.listUploads(opened.bucket, prefix, signal))).toEqual([])
      })

      it('cannot be completed by another one after it: what is there is not its object', async () => {
        const id = await begin()
        const receipts = await sendAll(id)
        await store.completeUpload(at('object'), id, receipts, facts, write)
        const newer = await put(at('object'), bytes(500, 3))
        await expect(store.completeUpload(at('object'), id, receipts, facts, write)).rejects.toThrow(
          LadingError,
        )
        expect((await store.head(at('object'), signal))?.etag).toBe(newer.etag)
      })

      it('heeds its preconditions', async () => {
        const old = await put(at('object'), bytes(10))
        const id = await begin()
        const receipts = await sendAll(id)
        const complete = (precondition: Parameters<ObjectStore['put']>[3]['precondition']) =>
          store.completeUpload(at('object'), id, receipts, facts, { precondition, signal })
        await refused(complete(ABSENT), 'store_precondition_failed')
        await refused(
          complete({ kind: 'etag', etag: '"0123456789abcdef0123456789abcdef"' }),
          'store_precondition_failed',
        )
        expect((await store.head(at('object'), signal))?.etag).toBe(old.etag)
        await complete({ kind: 'etag', etag: old.etag })
        expect((await read(at('object'))).equals(whole)).toBe(true)
      })

      it('ends at once when it is aborted by its signal, with the reason that the signal has', async () => {
        const id = await begin()
        const controller = new AbortController()
        const reason = new Error('the lease was lost')
        const sending = store.uploadPart(at('object'), id, part(1), controller.signal)
        controller.abort(reason)
        await expect(sending).rejects.toBe(reason)
        await expect(store.uploadPart(at('object'), id, part(1), controller.signal)).rejects.toBe(reason)
        // Nothing is broken by it.
        const receipts = await sendAll(id)
        await store.completeUpload(at('object'), id, receipts, facts, write)
      })
    })

    describe('a precondition', () => {
      it('that nothing is there holds once', async () => {
        await store.put(at('object'), bytes(10), factsOf(bytes(10)), { precondition: ABSENT, signal })
        const other = store.put(at('object'), bytes(10, 2), factsOf(bytes(10, 2)), {
          precondition: ABSENT,
          signal,
        })
        await refused(other, 'store_precondition_failed')
        expect((await read(at('object'))).equals(bytes(10))).toBe(true)
      })

      it('that nothing is there is met by the same object: a put whose answer was lost can be repeated', async () => {
        const options = { precondition: ABSENT, signal }
        const first = await store.put(at('object'), bytes(10), factsOf(bytes(10)), options)
        const second = await store.put(at('object'), bytes(10), factsOf(bytes(10)), options)
        expect(second.etag).toBe(first.etag)
      })

      it('on the ETag holds for the object that has it, and for no other', async () => {
        const first = await put(at('object'), bytes(10, 1))
        const put2 = (body: Buffer, etag: string) =>
          store.put(at('object'), body, factsOf(body), { precondition: { kind: 'etag', etag }, signal })
        const second = await put2(bytes(10, 2), first.etag)
        await refused(put2(bytes(10, 3), first.etag), 'store_precondition_failed')
        await put2(bytes(10, 3), second.etag)
        await store.delete(at('object'), { signal })
        await refused(put2(bytes(10, 4), second.etag), 'store_precondition_failed')
      })

      it('lets one of many writers win that all expect nothing there', async () => {
        const bodies = Array.from({ length: 8 }, (_, seed) => bytes(1000, seed + 1))
        const options = { precondition: ABSENT, signal }
        const results = await Promise.allSettled(
          bodies.map((it) => store.put(at('object'), it, factsOf(it), options)),
        )
        expect(results.filter((it) => it.status === 'fulfilled')).toHaveLength(1)
        const winner = bodies[results.findIndex((it) => it.status === 'fulfilled')] as Buffer
        expect((await read(at('object'))).equals(winner)).toBe(true)
      })
    })

    describe('proving', () => {
      it('tells the object from none, from another, and from one of equal size', async () => {
        const body = bytes(3000)
        expect(await store.prove(at('object'), factsOf(body), signal)).toBeUndefined()
        const stored = await put(at('object'), body)
        expect((await store.prove(at('object'), factsOf(body), signal))?.etag).toBe(stored.etag)
        expect(await store.prove(at('object'), factsOf(bytes(3000, 5)), signal)).toBeUndefined()
        expect(await store.prove(at('object'), factsOf(bytes(2999)), signal)).toBeUndefined()
      })
    })

    describe('copying', () => {
      const body = bytes(MIB + 1, 4)
      const facts = factsOf(body)
      const copy = (
        options: Partial<Parameters<ObjectStore['copy']>[3]> = {},
        from = 'source',
        to = 'copy',
      ) => store.copy(at(from), at(to), facts, { ...write, ...options })

      it('gives the bytes a second key, and leaves the first as it was', async () => {
        const source = await put(at('source'), body)
        const stored = await copy({ ifMatch: source.etag })
        expect((await read(at('copy'))).equals(body)).toBe(true)
        const head = await store.head(at('copy'), signal)
        expect(head).toMatchObject({ size: body.length, etag: stored.etag })
        expect([undefined, facts.crc32]).toContain(head?.crc32)
        expect([undefined, facts.sha256]).toContain(head?.declaredSha256)
        expect((await store.head(at('source'), signal))?.etag).toBe(source.etag)
        await put(at('source'), bytes(10, 5))
        expect((await read(at('copy'))).equals(body)).toBe(true)
        await store.delete(at('source'), { signal })
        expect((await read(at('copy'))).equals(body)).toBe(true)
        expect(await store.prove(at('copy'), facts, signal)).toMatchObject({ etag: stored.etag })
      })

      it('works for an empty object, whatever the precondition', async () => {
        await put(at('source'), bytes(0))
        for (const precondition of [ABSENT, NONE]) {
          await store.copy(at('source'), at('copy'), factsOf(bytes(0)), { precondition, signal })
          expect((await read(at('copy'))).length).toBe(0)
        }
      })

      it('works for an object that was uploaded in parts', async () => {
        const halves = [body.subarray(0, MIB), body.subarray(MIB)]
        const whole = Buffer.concat([bytes(5 * MIB), ...halves])
        const id = await store.createUpload(at('source'), factsOf(whole), signal)
        const parts = [whole.subarray(0, 5 * MIB), whole.subarray(5 * MIB)].map((it, index) =>
          store.uploadPart(at('source'), id, { partNumber: index + 1, body: it, crc32: crc32Of(it) }, signal),
        )
        const { etag } = await store.completeUpload(
          at('source'),
          id,
          await Promise.all(parts),
          factsOf(whole),
          write,
        )
        for (const precondition of [ABSENT, NONE])
          await store.copy(at('source'), at('copy'), factsOf(whole), { precondition, ifMatch: etag, signal })
        expect((await read(at('copy'))).equals(whole)).toBe(true)
      })

      for (const key of ODD_KEYS) {
        it(`takes and gives the key ${JSON.stringify(key).slice(0, 60)}`, async () => {
          await put(at(`from/${key}`), body)
          await copy({}, `from/${key}`, `to/${key}`)
          expect((await read(at(`to/${key}`))).equals(body)).toBe(true)
        })
      }

      it('fails when there is nothing, or another object than the one that was meant', async () => {
        await refused(copy(), 'store_object_missing')
        const older = await put(at('source'), body)
        await put(at('source'), bytes(body.length, 6))
        await refused(copy({ ifMatch: older.etag }), 'store_precondition_failed')
        await refused(copy(), ...MISMATCH)
        expect(await store.head(at('copy'), signal)).toBeUndefined()
        expect(await all(store.listUploads(opened.bucket, prefix, signal))).toEqual([])
      })

      it('heeds its preconditions', async () => {
        const source = await put(at('source'), body)
        const old = await put(at('copy'), bytes(10))
        const other = { kind: 'etag', etag: '"0123456789abcdef0123456789abcdef"' } as const
        for (const precondition of [ABSENT, other])
          await refused(copy({ precondition }), 'store_precondition_failed')
        await refused(copy({ precondition: other }, 'source', 'nothing'), 'store_precondition_failed')
        expect((await store.head(at('copy'), signal))?.etag).toBe(old.etag)
        await copy({ precondition: { kind: 'etag', etag: old.etag }, ifMatch: source.etag })
        expect((await read(at('copy'))).equals(body)).toBe(true)
        await copy({ precondition: ABSENT }, 'source', 'another')
        expect(await store.prove(at('another'), facts, signal)).toBeDefined()
        expect(await all(store.listUploads(opened.bucket, prefix, signal))).toEqual([])
      })

      it('can be repeated when the answer was lost, also after the source has gone', async () => {
        const { etag } = await put(at('source'), body)
        const options = { precondition: ABSENT, ifMatch: etag }
        const first = await copy(options)
        expect((await copy(options)).etag).toBe(first.etag)
        await store.delete(at('source'), { signal })
        expect((await copy(options)).etag).toBe(first.etag)
        await put(at('source'), bytes(10, 5))
        expect((await copy(options)).etag).toBe(first.etag)
      })

      it('onto itself leaves the object as it was', async () => {
        await put(at('source'), body)
        await copy({}, 'source', 'source')
        expect(await store.prove(at('source'), facts, signal)).toBeDefined()
        expect((await all(store.list(opened.bucket, prefix, signal))).map((it) => it.key)).toEqual([
          at('source').key,
        ])
      })

      it('ends with the reason of its signal when that is aborted', async () => {
        await put(at('source'), body)
        const controller = new AbortController()
        const reason = new Error('the lease was lost')
        const copying = copy({ signal: controller.signal })
        controller.abort(reason)
        await expect(copying).rejects.toBe(reason)
        await expect(copy({ signal: controller.signal })).rejects.toBe(reason)
        await copy()
      })
    })

    describe('getting', () => {
      it('a range gives just those bytes, to the end if it reaches beyond', async () => {
        const body = bytes(300_000)
        await put(at('object'), body)
        const ranges = [
          [0, 0],
          [1, 9],
          [100_000, 299_998],
          [299_999, 299_999],
          [5, 1_000_000],
        ] as const
        for (const [start, end] of ranges) {
          const { body: stream, length } = await store.get(at('object'), { range: { start, end }, signal })
          expect(length).toBe(Math.min(end + 1, body.length) - start)
          expect((await buffer(stream)).equals(body.subarray(start, end + 1))).toBe(true)
        }
        const beyond = store.get(at('object'), { range: { start: 300_000, end: 300_001 }, signal })
        await refused(beyond, 'range_not_satisfiable')
      })

      it('tells what is missing from what was replaced', async () => {
        await refused(store.get(at('nothing'), { signal }), 'store_object_missing')
        const old = await put(at('object'), bytes(10, 1))
        const opened = await store.get(at('object'), { ifMatch: old.etag, signal })
        expect(opened).toMatchObject({ length: 10, etag: old.etag })
        opened.body.destroy()
        await put(at('object'), bytes(10, 2))
        await refused(store.get(at('object'), { ifMatch: old.etag, signal }), 'store_precondition_failed')
      })

      it('can be given up midway, and the store goes on', async () => {
        await put(at('object'), bytes(4 * MIB))
        for (let round = 0; round < 20; round++) {
          const { body } = await store.get(at('object'), { signal })
          for await (const _ of body) break
          expect(body.destroyed).toBe(true)
        }
        expect(await read(at('object'))).toHaveLength(4 * MIB)
      })

      it('ends with the reason of its signal when that is aborted midway', async () => {
        await put(at('object'), bytes(4 * MIB))
        const controller = new AbortController()
        const reason = new Error('the client went away')
        const { body } = await store.get(at('object'), { signal: controller.signal })
        const reading = buffer(body)
        controller.abort(reason)
        await expect(reading).rejects.toBe(reason)
        await expect(store.get(at('object'), { signal: controller.signal })).rejects.toBe(reason)
      })
    })

    describe('listing', () => {
      it('gives every object below a prefix once, more than a page of them, and none besides', async () => {
        const keys = Array.from({ length: 1005 }, (_, index) => `many/${index % 3}/file ${index}.bin`)
        await each(keys, 16, (key) => put(at(key), Buffer.from(key)))
        await put(at('many-not'), bytes(1))
        const listed = await all(store.list(opened.bucket, `${prefix}many/`, signal))
        expect(listed.map((it) => it.key).sort()).toEqual(keys.map((key) => at(key).key).sort())
        expect(listed.find((it) => it.key.endsWith('file 7.bin'))).toMatchObject({ size: 17 })
        expect(listed.every((it) => Math.abs(Date.now() - it.modifiedAt.getTime()) < 3_600_000)).toBe(true)
        expect(await all(store.list(opened.bucket, `${prefix}many/1/file 1`, signal))).not.toEqual([])
        expect(await all(store.list(opened.bucket, `${prefix}nothing/`, signal))).toEqual([])
      })

      it('gives every upload that is under way below a prefix, more than a page of them', async () => {
        const facts = factsOf(bytes(1))
        const keys = Array.from({ length: 1005 }, (_, index) => `up/${index}`)
        const begun = new Map<string, string>()
        await each(keys, 16, async (key) => {
          begun.set(at(key).key, await store.createUpload(at(key), facts, signal))
        })
        const second = await store.createUpload(at('up/0'), facts, signal)
        const listed = await all(store.listUploads(opened.bucket, `${prefix}up/`, signal))
        expect(listed).toHaveLength(1006)
        for (const { key, uploadId } of listed) expect([begun.get(key), second]).toContain(uploadId)
        expect(listed.every((it) => Math.abs(Date.now() - it.startedAt.getTime()) < 3_600_000)).toBe(true)
        await each(listed, 16, ({ key, uploadId }) =>
          store.abortUpload({ bucket: opened.bucket, key }, uploadId, signal),
        )
        expect(await all(store.listUploads(opened.bucket, prefix, signal))).toEqual([])
      })
    })

    it('can be checked and probed again and again, and is left as it was', async () => {
      await store.check(opened.bucket, signal)
      const first = await store.probe(opened.bucket, prefix, signal)
      expect(await store.probe(opened.bucket, prefix, signal)).toEqual(first)
      expect(await all(store.list(opened.bucket, prefix, signal))).toEqual([])
      expect(await all(store.listUploads(opened.bucket, prefix, signal))).toEqual([])
    })
  })
}

const MISMATCH = ['store_checksum_mismatch', 'store_object_mismatch'] as const

const ODD_KEYS = [
  'with spaces and.dots',
  ' leading and trailing ',
  `+&=;:@'"*|<>[]{}~!$(),?#%20%2F\\^\``,
  'größe/测试/русский/हिन्दी/😀.pkl',
  'nested/in/many/more/segments/than/one.json',
  `${'s'.repeat(255)}/${'é'.repeat(127)}`,
  '.hidden/..two dots/...',
  '-dash/~tilde/CON',
]

/** Bytes that no other seed gives, and that do not compress. */
function bytes(size: number, seed = 0): Buffer {
  const block = createHash('sha512').update(String(seed)).digest()
  const body = Buffer.alloc(size)
  for (let at = 0; at < size; at += 64) {
    block.copy(body, at)
    if (at + 4 <= size) body.writeUInt32LE(at, at)
  }
  return body
}

function factsOf(body: Buffer): ObjectFacts {
  const sha256 = createHash('sha256').update(body).digest('hex') as Sha256Hex
  return { size: body.length, sha256, crc32: crc32Of(body), contentType: 'application/octet-stream' }
}

async function refused(call: Promise<unknown>, ...codes: ErrorCode[]): Promise<void> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(LadingError)
  expect(codes, String(error)).toContain((error as LadingError).code)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

async function each<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = [...items]
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
