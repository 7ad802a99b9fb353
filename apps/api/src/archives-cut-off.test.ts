import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ObjectRef, ObjectStore, OpenObject, TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { InterposedStore } from './fixtures/interposed-store.ts'
import { storeTree, type TreeEntry } from './fixtures/store-tree.ts'
import { download, run, ScratchFolder } from './fixtures/unpacked.ts'

let server: ApiUnderTest
let artifacts: string
let runId: string
const logged: string[] = []

const MIB = 1024 * 1024
const LARGE = randomBytes(10 * MIB)
const FORMATS = ['tar', 'tar.gz', 'zip'] as const

/** 400 small files, then one of five requests to the store, then another small one. */
const TREE: readonly TreeEntry[] = [
  ...Array.from({ length: 400 }, (_, index) => ({
    path: `tree/a/${String(index).padStart(3, '0')}`,
    bytes: randomBytes(600 + index),
  })),
  { path: 'tree/b/large', bytes: LARGE },
  { path: 'tree/c', bytes: randomBytes(100) },
]

beforeAll(async () => {
  server = await ApiUnderTest.start({ logged })
  const made = await server.run()
  runId = made.runId
  artifacts = `${made.path}/artifacts`
  await storeTree(server, runId, TREE)
  // 300 MB, of which the disk has one file under many names.
  const heavy = Array.from({ length: 30 }, (_, index) => ({ path: `heavy/${index}`, bytes: LARGE }))
  await storeTree(server, runId, heavy)
})

afterAll(() => server[Symbol.asyncDispose]())

type Fault = (
  ref: ObjectRef,
  options: Parameters<ObjectStore['get']>[1],
  get: ObjectStore['get'],
) => Promise<OpenObject>

/** The bytes as they are, up to a place from which on the fault has its way. */
async function rewritten(
  opened: OpenObject,
  rewrite: (bytes: Buffer) => Buffer | Error,
): Promise<OpenObject> {
  const bytes = rewrite(Buffer.concat(await opened.body.toArray()))
  const body = new Readable({ read() {} })
  if (bytes instanceof Error) body.destroy(bytes)
  else body.push(bytes)
  if (!body.destroyed) body.push(null)
  return { ...opened, body }
}

const FAULTS: Record<string, Fault> = {
  'refuses access': async () => {
    throw new LadingError('store_access_denied', 'no')
  },
  'has lost it': async () => {
    throw new LadingError('store_object_missing', 'gone')
  },
  'cannot be reached': async () => {
    throw new LadingError('store_unavailable', 'down')
  },
  'breaks off each time': async (ref, options, get) =>
    rewritten(await get(ref, options), () => new LadingError('store_unavailable', 'reset')),
  'ends early': async (ref, options, get) => rewritten(await get(ref, options), (bytes) => bytes.subarray(1)),
  'gives more': async (ref, options, get) =>
    rewritten(await get(ref, options), (bytes) => Buffer.concat([bytes, bytes])),
  'gives other bytes': async (ref, options, get) =>
    rewritten(await get(ref, options), (bytes) => Buffer.from(bytes).fill(0, 0, 1).fill(1, 1, 2)),
}

/** Whether a program takes what arrived for a whole archive. */
function isWhole(format: (typeof FORMATS)[number], archive: string): boolean {
  switch (format) {
    case 'tar':
      return readFileSync(archive).subarray(-1024).equals(Buffer.alloc(1024))
    case 'tar.gz':
      return run('tar', '-tzf', archive).status === 0
    case 'zip':
      return run('unzip', '-tqq', archive).status === 0
  }
}

test.each(Object.keys(FAULTS))(
  'when the store %s midway, no archive is whole',
  { timeout: 120_000 },
  async (fault) => {
    using scratch = new ScratchFolder()
    using store = new InterposedStore(server.store)
    const archive = join(scratch.path, 'archive')
    for (const format of FORMATS) {
      for (const victim of ['/a/399', '/b/large', '/c']) {
        store.instead = (ref, options, get) =>
          ref.key.endsWith(victim) && (options.range?.start ?? 1) > 0
            ? (FAULTS[fault] as Fault)(ref, options, get)
            : get(ref, options)
        const exit = await download(`${server.url}${artifacts}/tree?archive=${format}`, archive, '-f')
        expect([format, victim, exit]).not.toEqual([format, victim, 0])
        const { status, code } = lastAnswer()
        // What fits in one write is answered with a problem, and no bytes of an archive.
        if (status === 200)
          expect([format, victim, isWhole(format, archive)]).toEqual([format, victim, false])
        else expect([format, code]).toEqual(['tar.gz', expect.stringMatching(/^(store|artifact)_/)])
      }
    }
    await until(() => store.open === 0, { within: 10_000 })
  },
)

/** What the log says of the answer that was given last. */
function lastAnswer(): { status: number; code?: string; whole: boolean } {
  const line = logged.findLast((text) => text.includes('"msg":"request"'))
  return JSON.parse(line ?? '{}') as never
}

test('a client of HTTP/1.0, whose answers end with their connection, is told by a reset', async () => {
  using scratch = new ScratchFolder()
  using store = new InterposedStore(server.store)
  const url = `${server.url}${artifacts}/tree?archive=tar`
  const file = join(scratch.path, 'archive')
  expect(await download(url, file, '--http1.0')).toBe(0)
  store.instead = (ref, options, get) =>
    ref.key.endsWith('/c') ? Promise.reject(new LadingError('store_access_denied', 'no')) : get(ref, options)
  expect(await download(url, file, '--http1.0')).not.toBe(0)
})

test('what fails before the first bytes is a problem like any other', async () => {
  using store = new InterposedStore(server.store)
  store.instead = () => Promise.reject(new LadingError('store_access_denied', 'the store says no'))
  for (const format of FORMATS) {
    const response = await server.fetch(`${artifacts}/tree?archive=${format}`)
    expect([response.status, await response.json()]).toMatchObject([502, { code: 'store_access_denied' }])
  }
})

test('a connection to the store that breaks once costs a request, not the archive', async () => {
  using scratch = new ScratchFolder()
  using store = new InterposedStore(server.store)
  const broken = new Set<string>()
  store.instead = async (ref, options, get) => {
    const piece = `${ref.key} ${options.range?.start}`
    if (broken.size >= 5 || broken.has(piece)) return get(ref, options)
    broken.add(piece)
    return (FAULTS['breaks off each time'] as Fault)(ref, options, get)
  }
  const archive = join(scratch.path, 'archive')
  expect(await download(`${server.url}${artifacts}/tree?archive=tar`, archive)).toBe(0)
  expect(broken.size).toBe(5)
  expect(isWhole('tar', archive)).toBe(true)
})

test.each(['replaced', 'deleted'])(
  'a file that is %s while the archive streams cuts it off',
  async (what) => {
    using scratch = new ScratchFolder()
    using store = new InterposedStore(server.store)
    const base = `${what}/file-`
    const tree = Array.from({ length: 200 }, (_, index) => ({
      path: `${base}${1000 + index}`,
      bytes: randomBytes(9000),
    }))
    await storeTree(server, runId, tree)
    const held = Promise.withResolvers<void>()
    store.instead = async (ref, options, get) => {
      await held.promise
      return get(ref, options)
    }
    const archive = join(scratch.path, 'archive')
    const url = `${server.url}${artifacts}/${what}?archive=tar`
    const downloading = download(url, archive)
    await until(() => store.gets > 0, { within: 30_000 })
    const last = `${base}1199`
    if (what === 'replaced') await storeTree(server, runId, [{ path: last, bytes: randomBytes(9000) }])
    else {
      await server.fetch(`${artifacts}/${last}`, { method: 'DELETE' })
      const run = { runId, tenantId: 'default' as TenantId }
      const { items } = await server.catalog.api.artifacts.listDeep(run, what, {
        limit: 1,
        cursor: undefined,
      })
      const first = items[0]
      if (first === undefined || 'isDirectory' in first) throw new Error('there is no file')
      const key = first.key.replace('file-1000', 'file-1199')
      await server.store.delete({ bucket: first.bucket, key }, { signal: AbortSignal.timeout(10_000) })
    }
    held.resolve()
    expect(await downloading).not.toBe(0)
    expect(logged.findLast((line) => line.includes('an archive was cut off'))).toContain('artifact_replacing')
    expect(await download(url, archive)).toBe(0)
  },
)

test('an object that was moved with its bytes while the archive streams is found where it lies', async () => {
  using scratch = new ScratchFolder()
  const { artifacts: catalog } = server.catalog.api
  const { listDeep } = catalog
  // What a page says that was read before the objects of an atomic job went to their own keys.
  catalog.listDeep = async (...args) => {
    const page = await listDeep(...args)
    const items = page.items.map((item) => ('key' in item ? { ...item, key: `staging/${item.key}` } : item))
    return { ...page, items }
  }
  try {
    const archive = join(scratch.path, 'archive')
    expect(await download(`${server.url}${artifacts}/tree?archive=zip`, archive)).toBe(0)
    expect(isWhole('zip', archive)).toBe(true)
  } finally {
    catalog.listDeep = listDeep
  }
})

async function open(target: string): Promise<IncomingMessage> {
  const request = get(`${server.url}${artifacts}${target}`)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return response
}

test.each(FORMATS)('a client that leaves frees all that its %s held of the store', async (format) => {
  using store = new InterposedStore(server.store)
  const response = await open(`/heavy?archive=${format}`)
  await once(response, 'readable')
  response.destroy()
  await until(() => store.open === 0 && lastAnswer().whole === false, { within: 10_000 })
  expect(store.gets).toBeLessThan(150)
  const before = store.gets
  await (await server.fetch(`${artifacts}/tree/c`)).arrayBuffer()
  expect(store.gets).toBe(before + 1)
})

test('a client that stops reading stops the reading of the store, and gets the rest when it goes on', async () => {
  using store = new InterposedStore(server.store)
  const response = await open('/heavy?archive=tar')
  let seen = -1
  // As long as anything moves, the sockets are still taking it.
  await until(
    () => {
      const still = store.bytes === seen && store.open === 0
      seen = store.bytes
      return still
    },
    { within: 30_000, every: 300 },
  )
  expect(seen).toBeLessThan(40 * MIB)
  let received = 0
  for await (const chunk of response) received += (chunk as Buffer).length
  expect(received).toBeGreaterThan(30 * LARGE.length)
  expect(store.bytes).toBe(30 * LARGE.length)
})

test('memory does not grow with the directory', { timeout: 180_000 }, async () => {
  const held = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = held()
  let peak = 0
  const sampling = setInterval(() => {
    peak = Math.max(peak, held() - before)
  }, 5)
  try {
    for (const format of FORMATS) {
      expect(await download(`${server.url}${artifacts}/heavy?archive=${format}`, '/dev/null')).toBe(0)
    }
  } finally {
    clearInterval(sampling)
  }
  expect(peak).toBeLessThan(150 * MIB)
})
