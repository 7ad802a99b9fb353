import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesOf, type ClientOfSystem, listed, startWithClient } from './fixtures/client-of-system.ts'
import { connect, fileAt, LadingApiError } from './node.ts'

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

test('text, JSON, bytes, files and streams come back as they were logged', async () => {
  const run = await harbour.run()
  const file = join(folder, 'model.pkl')
  const bytes = randomBytes(300_000)
  await writeFile(file, bytes)
  const uploads = [
    await run.logText('reports/summary.txt', '91.2 % ü'),
    await run.logJson('config/model.json', { threshold: 0.5 }),
    await run.logArtifact('models/ü %41+1.pkl', await fileAt(file)),
    await run.logBytes('bytes.bin', bytes.subarray(0, 10)),
    await run.logStream('stream.bin', new Blob([bytes]).stream()),
  ]
  for (const upload of uploads) expect(await upload.delivered()).toMatchObject({ state: 'completed' })
  expect(await (await run.blob('reports/summary.txt')).text()).toBe('91.2 % ü')
  expect(JSON.parse(await (await run.blob('config/model.json')).text())).toEqual({ threshold: 0.5 })
  expect(await bytesOf(run, 'models/ü %41+1.pkl')).toEqual(bytes)
  expect(await bytesOf(run, 'bytes.bin')).toEqual(bytes.subarray(0, 10))
  expect(await bytesOf(run, 'stream.bin')).toEqual(bytes)
  const level = await listed(run.artifacts())
  expect(level.map(({ path }) => path)).toEqual(['bytes.bin', 'config', 'models', 'reports', 'stream.bin'])
  expect(await listed(run.artifacts({ recursive: true }))).toHaveLength(5)
  await run.delete('stream.bin')
  expect(await listed(run.artifacts())).toHaveLength(4)
})

test('a run ends as the work in it does', async () => {
  const lading = harbour.client()
  const experiment = 'runs that end'
  const finished = await lading.withRun({ experiment }, async (run) => run.id)
  let failed = ''
  const work = lading.withRun({ experiment, name: 'unlucky' }, async (run) => {
    failed = run.id
    throw new Error('the loss is NaN')
  })
  await expect(work).rejects.toThrow('the loss is NaN')
  expect(await lading.run(finished).get()).toMatchObject({ status: 'FINISHED' })
  expect(await lading.run(failed).get()).toMatchObject({ status: 'FAILED', name: 'unlucky' })
  const { experiment_id: id } = (await lading.experimentByName(experiment)) ?? {}
  expect((await listed(lading.runs(id ?? ''))).map((run) => run.run_id).sort()).toEqual(
    [finished, failed].sort(),
  )
})

test('many who start the first run of an experiment at once share the experiment', async () => {
  const lading = harbour.client()
  const runs = await Promise.all(Array.from({ length: 5 }, () => lading.startRun({ experiment: 'at once' })))
  const ids = await Promise.all(runs.map(async (run) => (await run.get()).experiment_id))
  expect(new Set(ids).size).toBe(1)
  expect(new Set(runs.map(({ id }) => id)).size).toBe(5)
})

test('an upload whose answer was lost is sent again, and accepted once', async () => {
  let lost = 0
  const losing: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (init?.method === 'PUT' && lost++ === 0) throw new TypeError('the answer was lost')
    return answer
  }
  const run = await harbour.run({ fetch: losing })
  const { jobId } = await run.logText('a', 'once')
  expect(lost).toBe(2)
  const jobs = await listed(harbour.client().jobs.list({ runId: run.id }))
  expect(jobs.map((job) => job.job_id)).toEqual([jobId])
})

test('the same key is the same upload, and another text under it is refused', async () => {
  const run = await harbour.run()
  const options = { idempotencyKey: 'epoch-7' }
  const first = await run.logText('a', 'once', options)
  expect((await run.logText('a', 'once', options)).jobId).toBe(first.jobId)
  await expect(run.logText('a', 'twice', options)).rejects.toMatchObject({ code: 'idempotency_key_reused' })
})

test('a job is watched until it has ended', async () => {
  const run = await harbour.run()
  const { jobId } = await run.logText('a', 'b')
  const states = (await listed(harbour.client().jobs.watch(jobId))).map(({ state }) => state)
  expect(states.at(-1)).toBe('completed')
  expect(states.slice(0, -1)).not.toContain('completed')
})

test('an experiment is deleted, and restored', async () => {
  const lading = harbour.client()
  const { experiment_id: id } = await lading.createExperiment('to be deleted')
  await lading.deleteExperiment(id)
  const named = (experiments: { name: string }[]) => experiments.map(({ name }) => name)
  expect(named(await listed(lading.experiments()))).not.toContain('to be deleted')
  expect(named(await listed(lading.experiments({ deleted: true })))).toContain('to be deleted')
  expect(await lading.restoreExperiment(id)).toMatchObject({ deleted_at: null })
})

test('a path that would leave the run is refused before anything is sent', async () => {
  const run = connect({ url: 'http://127.0.0.1:1', retries: 0 }).run('1')
  for (const path of ['../b', 'a/../../b', './a', 'a//b', '/a', 'a\\b', 'a#b', ''])
    await expect(run.logText(path, '')).rejects.toMatchObject({ code: 'path_invalid' })
  expect(() => run.download('..')).toThrow('path_invalid')
  await expect(run.delete('..', { recursive: true })).rejects.toMatchObject({ code: 'path_invalid' })
})

test('a refusal has its code, its status and what to do', async () => {
  const run = await harbour.run()
  const refusal = await harbour
    .client({ tenant: 'other' })
    .run(run.id)
    .get()
    .catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(LadingApiError)
  expect(refusal).toMatchObject({ code: 'run_not_found', status: 404, retryable: false })
  expect((refusal as LadingApiError).detail).toContain('run')
})

test('a file that was changed after it was taken is not sent', async () => {
  const run = await harbour.run()
  const path = join(folder, 'changing')
  await writeFile(path, 'before')
  const file = await fileAt(path)
  await writeFile(path, 'after it')
  await utimes(path, 1, 1)
  await expect(run.logArtifact('changing', file)).rejects.toMatchObject({ code: 'file_changed' })
  await expect(fileAt(folder)).rejects.toMatchObject({ code: 'not_a_file' })
})

test('every request of these tests is in the document of the API', () => harbour.expectInDocument())
