import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesOf, type ClientOfSystem, listed, startWithClient } from './fixtures/client-of-system.ts'
import { type FileToLog, filesIn, type Progress } from './node.ts'

const MIB = 1024 * 1024

let harbour: ClientOfSystem
let folder: string

beforeAll(async () => {
  harbour = await startWithClient()
  folder = await mkdtemp(join(tmpdir(), 'lading-client-'))
})

afterAll(async () => {
  await harbour?.system.stop()
  await rm(folder, { recursive: true })
})

const small = (count: number): FileToLog[] =>
  Array.from({ length: count }, (_, n) => ({ path: `part-${n}.txt`, bytes: Buffer.from(`${n}`) }))

/** As many batches as there are 16 of them. */
const ofOneMib = (count: number): FileToLog[] =>
  Array.from({ length: count }, (_, n) => ({ path: `${n}.bin`, bytes: Buffer.alloc(MIB, n) }))

test('a small directory of the disk is one request, with its modes, its times and its empty directories', async () => {
  await mkdir(join(folder, 'tree', 'empty'), { recursive: true })
  const long = `${'long '.repeat(30)}ü.txt`
  await writeFile(join(folder, 'tree', long), 'named at length')
  await writeFile(join(folder, 'tree', 'run.sh'), 'echo')
  await chmod(join(folder, 'tree', 'run.sh'), 0o755)
  await utimes(join(folder, 'tree', 'run.sh'), 86_400, 86_400)
  let requests = 0
  const counting: typeof fetch = (input, init) => {
    if (init?.method === 'POST') requests += 1
    return fetch(input, init)
  }
  const run = harbour.client({ fetch: counting }).run((await harbour.run()).id)
  const upload = await run.logArtifacts(filesIn(join(folder, 'tree')), { directory: 'evaluation' })
  expect(requests).toBe(1)
  expect(await upload.delivered()).toMatchObject({ atomic: true, files: { total: 3 } })
  const artifacts = await listed(run.artifacts({ path: 'evaluation', recursive: true }))
  expect(artifacts.map(({ path }) => path)).toEqual([
    'evaluation/empty',
    `evaluation/${long}`,
    'evaluation/run.sh',
  ])
  expect(artifacts[2]).toMatchObject({ mode: 0o755, mtime: '1970-01-02T00:00:00.000Z' })
  expect(String(await bytesOf(run, `evaluation/${long}`))).toBe('named at length')
})

test('a directory of many files, small and large, is one job that is shown at one instant', async () => {
  const run = await harbour.run({ resumableFrom: 2 * MIB, pieceBytes: MIB })
  const [large, medium] = [randomBytes(3 * MIB), randomBytes(1.5 * MIB)]
  const files = [
    ...ofOneMib(18),
    ...small(10),
    { path: 'large', bytes: large },
    { path: 'medium', bytes: medium },
  ]
  const told: Progress[] = []
  const upload = await run.logArtifacts(files, {
    directory: 'd',
    onProgress: (progress) => told.push(progress),
  })
  expect(await upload.delivered()).toMatchObject({ atomic: true, files: { total: 30 } })
  expect(told.at(-1)).toMatchObject({ files: 30 })
  expect(await bytesOf(run, 'd/large')).toEqual(large)
  expect(await bytesOf(run, 'd/medium')).toEqual(medium)
  expect(String(await bytesOf(run, 'd/part-9.txt'))).toBe('9')
  const { jobs } = harbour.client()
  expect((await listed(jobs.list({ runId: run.id }))).map(({ job_id: id }) => id)).toEqual([upload.jobId])
  expect(await listed(jobs.files(upload.jobId))).toHaveLength(30)
  const deletion = await run.delete('d', { recursive: true })
  expect(await jobs.wait(deletion?.job_id ?? '')).toMatchObject({ kind: 'delete', state: 'completed' })
})

test('a directory that fails half-way is cancelled, and shows nothing', async () => {
  const run = await harbour.run()
  const broken = {
    path: 'broken',
    bytes: () => {
      throw new Error('the disk is gone')
    },
  }
  await expect(run.logArtifacts([...ofOneMib(40), broken])).rejects.toThrow('the disk is gone')
  const [job] = await listed(harbour.client().jobs.list({ runId: run.id }))
  expect(await harbour.client().jobs.wait(job?.job_id ?? '')).toMatchObject({ state: 'cancelled' })
  expect(await listed(run.artifacts())).toEqual([])
  await expect(run.logArtifacts([])).rejects.toMatchObject({ code: 'no_file' })
})

test('a directory with a key goes on with what was not accepted, and is whole', async () => {
  const run = await harbour.run()
  const options = { directory: 'd', idempotencyKey: 'evaluation of epoch 7' }
  const files = ofOneMib(40)
  const controller = new AbortController()
  const stopping = {
    ...options,
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('out of time')),
  }
  await expect(run.logArtifacts(files, stopping)).rejects.toThrow('out of time')
  const [job] = await listed(harbour.client().jobs.list({ runId: run.id }))
  const kept = (await listed(harbour.client().jobs.files(job?.job_id ?? ''))).length
  expect(kept).toBeGreaterThan(0)
  const upload = await run.logArtifacts(files, options)
  expect(upload.jobId).toBe(job?.job_id)
  expect(await upload.delivered()).toMatchObject({ files: { total: 40, stored: 40 } })
  expect((await run.logArtifacts(files, options)).jobId).toBe(upload.jobId)
})

test('what the run holds as it is, is not sent again', async () => {
  let sent = 0
  const counting: typeof fetch = (input, init) => {
    if (init?.body instanceof Uint8Array) sent += init.body.length
    return fetch(input, init)
  }
  const run = await harbour.run({ fetch: counting })
  const [first, other] = [randomBytes(2 * MIB), randomBytes(2 * MIB)]
  const files = [...small(10), { path: 'first', bytes: first }, { path: 'other', bytes: first }]
  await (await run.logArtifacts(files, { directory: 'd' })).delivered()
  sent = 0
  const changed = [...small(11), { path: 'first', bytes: first }, { path: 'other', bytes: other }]
  let held: Progress['held']
  const onProgress = (progress: Progress) => {
    held = progress.held
  }
  const upload = await run.logArtifacts(changed, { directory: 'd', onlyNeeded: true, onProgress })
  expect(held).toMatchObject({ files: 11 })
  expect(await upload.delivered()).toMatchObject({ files: { total: 2 } })
  expect(sent).toBeLessThan(2 * MIB + 10_000)
  expect((await bytesOf(run, 'd/other')).equals(other)).toBe(true)
  const again = await run.logArtifacts(changed, { directory: 'd', onlyNeeded: true })
  expect(await again.delivered()).toMatchObject({ files: { total: 0 } })
})

test('a job that the caller opened takes directories and files until the caller seals it', async () => {
  const run = await harbour.run()
  const { jobs } = harbour.client()
  const { job_id: jobId } = await run.openJob({ directory: 'step-1000', shards: 2 })
  await run.logArtifacts(small(3), { jobId })
  await run.logText('rank-1.txt', 'of the other rank', { jobId })
  await jobs.seal(jobId, { shard: 0 })
  expect(await jobs.get(jobId)).toMatchObject({ state: 'open' })
  await jobs.seal(jobId, { shard: 1 })
  expect(await jobs.wait(jobId)).toMatchObject({ state: 'completed', files: { total: 4 } })
  expect(String(await bytesOf(run, 'step-1000/rank-1.txt'))).toBe('of the other rank')
})

test('every request of these tests is in the document of the API', () => harbour.expectInDocument())
