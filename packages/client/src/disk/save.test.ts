import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
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
