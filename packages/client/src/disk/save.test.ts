import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../../../../test/support/deadline.ts'
import { type ClientOfSystem, startWithClient } from '../fixtures/client-of-system.ts'
import { smallServer } from '../fixtures/small-server.ts'
import { connect, type FileToLog, type Run, saveArtifacts } from '../node.ts'
import { digestField } from '../sha256.ts'

let harbour: ClientOfSystem
let folder: string
let run: Run

const FILES: readonly (FileToLog & { readonly bytes?: Uint8Array })[] = [
  { path: 'run.sh', bytes: Buffer.from('echo'), mode: 0o755 },
  { path: 'models/ü 漢.pkl', bytes: randomBytes(300_000) },
  { path: 'models/zero', bytes: Buffer.alloc(0) },
  { path: 'hollow/' },
]

beforeAll(async () => {
  harbour = await startWithClient()
  run = await harbour.run()
  await (await run.logArtifacts(FILES, { directory: 'd' })).delivered()
})

afterAll(() => harbour?.system.stop())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lading-save-'))
  return () => rm(folder, { recursive: true })
})

test('a directory comes to the disk as it was, with its modes and its empty directories', async () => {
  expect(await saveArtifacts(run, folder, { path: 'd' })).toMatchObject({ files: 3, sent: 300_004 })
  for (const { path, bytes } of FILES)
    if (bytes !== undefined) expect(await readFile(join(folder, 'd', path))).toEqual(Buffer.from(bytes))
  expect((await stat(join(folder, 'd', 'run.sh'))).mode & 0o111).toBe(0o111)
  expect((await readdir(join(folder, 'd'))).sort()).toEqual(['hollow', 'models', 'run.sh'])
  expect(await readdir(join(folder, 'd', 'hollow'))).toEqual([])
})

test('a file comes alone, and again over what is there', async () => {
  for (let n = 0; n < 2; n++) await saveArtifacts(run, folder, { path: 'd/models/ü 漢.pkl' })
  expect(await readdir(join(folder, 'd', 'models'))).toEqual(['ü 漢.pkl'])
  await expect(saveArtifacts(run, folder, { path: '../d' })).rejects.toMatchObject({ code: 'path_invalid' })
  await expect(saveArtifacts(run, folder, { path: 'nowhere' })).rejects.toMatchObject({
    code: 'artifact_not_found',
  })
})

const BYTES = 'all of the bytes'

/** Serves an artifact, cut off where a test says; the ranges that were asked for. */
async function cutServer(bytes: string, cutAt: () => number) {
  const ranges: (string | undefined)[] = []
  const sha256 = createHash('sha256').update(BYTES).digest('hex')
  const url = await smallServer((request, response) => {
    const { range } = request.headers
    const from = Number(/\d+/.exec(range ?? '0')?.[0])
    response.writeHead(from === 0 ? 200 : 206, {
      etag: `"${sha256}"`,
      'content-length': bytes.length - from,
      'repr-digest': digestField(sha256),
    })
    if (request.method === 'HEAD') return void response.end()
    ranges.push(range)
    const cut = cutAt()
    if (cut >= bytes.length) response.end(bytes.slice(from))
    else response.write(bytes.slice(from, cut), () => setImmediate(() => response.destroy()))
  })
  return { run: connect({ url, retries: 0 }).run('1'), ranges }
}

test('a download that was stopped goes on at the byte when it is asked for again', async () => {
  let cut = 6
  const { run: cutRun, ranges } = await cutServer(BYTES, () => cut)
  const cutOff = saveArtifacts(cutRun, folder, { path: 'a' })
  await expect(cutOff).rejects.toMatchObject({ code: 'connection_failed', retryable: true })
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^\.a\..*\.lading-part$/)])
  cut = BYTES.length
  await saveArtifacts(cutRun, folder, { path: 'a' })
  expect(ranges).toEqual([undefined, 'bytes=6-'])
  expect(await readdir(folder)).toEqual(['a'])
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe(BYTES)
})

test('a file of other bytes than were catalogued is not left on the disk', async () => {
  const { run: wrong } = await cutServer(BYTES.toUpperCase(), () => BYTES.length)
  await expect(saveArtifacts(wrong, folder, { path: 'a' })).rejects.toMatchObject({ code: 'digest_mismatch' })
  expect(await readdir(folder)).toEqual([])
})

const MIB = 1024 * 1024

/** Serves an artifact of three ranges, each as `answer` does with what is asked for; what was asked for. */
async function rangeServer(
  bytes: Buffer,
  answer: (response: ServerResponse, part: Buffer, number: number) => void = (response, part) =>
    void response.end(part),
) {
  const ranges: string[] = []
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const url = await smallServer((request, response) => {
    const { range = '', 'if-match': match } = request.headers
    const [start, end] = (range.match(/\d+/g) ?? [0, bytes.length - 1]).map(Number) as [number, number]
    const fields = { etag: `"${sha256}"`, 'repr-digest': digestField(sha256) }
    response.writeHead(range === '' ? 200 : 206, { ...fields, 'content-length': end + 1 - start })
    if (request.method === 'HEAD') return void response.end()
    ranges.push(match === `"${sha256}"` ? range : 'of any version')
    answer(response, bytes.subarray(start, end + 1), ranges.length)
  })
  return { run: connect({ url, retries: 0 }).run('1'), ranges }
}

const RANGES = ['bytes=0-16777215', 'bytes=16777216-33554431', 'bytes=33554432-41943039']

test('a large file comes in ranges at once', async () => {
  const bytes = randomBytes(40 * MIB)
  const begun: (() => void)[] = []
  const { run: ranged, ranges } = await rangeServer(bytes, (response, part) => {
    begun.push(() => response.end(part))
    // None is answered before all are asked for.
    if (begun.length === RANGES.length) for (const go of begun) go()
  })
  await saveArtifacts(ranged, folder, { path: 'a' })
  expect(ranges.sort()).toEqual(RANGES)
  expect((await readFile(join(folder, 'a'))).equals(bytes)).toBe(true)
  expect(await readdir(folder)).toEqual(['a'])
})

test('a large file that was stopped goes on with the ranges that are not there', async () => {
  const bytes = randomBytes(40 * MIB)
  let isCut = true
  const { run: ranged, ranges } = await rangeServer(bytes, async (response, part) => {
    if (!isCut || part.length === 16 * MIB) return void response.end(part)
    // The others are there by then.
    await until(async () => (await rangesKept()) === 2, { within: 20_000 })
    response.write(part.subarray(0, MIB), () => setImmediate(() => response.destroy()))
  })
  const stopped = saveArtifacts(ranged, folder, { path: 'a' })
  await expect(stopped).rejects.toMatchObject({ code: 'connection_failed' })
  isCut = false
  ranges.length = 0
  const told: number[] = []
  await saveArtifacts(ranged, folder, { path: 'a', onProgress: ({ sent }) => told.push(sent) })
  expect(ranges).toEqual(RANGES.slice(2))
  expect([told[0], told.at(-1)]).toEqual([32 * MIB, 40 * MIB])
  expect((await readFile(join(folder, 'a'))).equals(bytes)).toBe(true)
  expect(await readdir(folder)).toEqual(['a'])
})

/** How many ranges are whole, by the list beside the file. */
async function rangesKept(): Promise<number> {
  const list = (await readdir(folder)).find((name) => name.endsWith('-ranges'))
  return list === undefined ? 0 : (await readFile(join(folder, list), 'utf8')).split('\n').length - 1
}

test('a large file of other bytes than were catalogued is not left on the disk', async () => {
  const bytes = randomBytes(40 * MIB)
  const { run: ranged } = await rangeServer(bytes, (response, part, number) => {
    if (number === 2) part[5] = (part[5] ?? 0) ^ 1
    response.end(part)
  })
  await expect(saveArtifacts(ranged, folder, { path: 'a' })).rejects.toMatchObject({
    code: 'digest_mismatch',
  })
  expect(await readdir(folder)).toEqual([])
})

test('a path by which a server would leave the folder is refused', async () => {
  const outside = { path: '../out', is_dir: false, size: 1, sha256: '', etag: '' }
  const url = await smallServer((request, response) => {
    if (request.method === 'HEAD') response.writeHead(404).end()
    else response.end(JSON.stringify({ artifacts: [outside], next_cursor: null }))
  })
  const inner = join(folder, 'inner')
  await mkdir(inner)
  await expect(saveArtifacts(connect({ url }).run('1'), inner)).rejects.toMatchObject({
    code: 'path_invalid',
  })
  expect(await readdir(folder)).toEqual(['inner'])
})
