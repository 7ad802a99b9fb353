import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { until } from '../../../../test/support/deadline.ts'
import { smallServer } from '../fixtures/small-server.ts'
import { connect, saveFile } from '../node.ts'
import { digestField } from '../sha256.ts'

const BYTES = randomBytes(200_000)
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
const ARTIFACT = { path: 'a', size: BYTES.length, sha256: SHA256, etag: '"1"' }

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lading-save-'))
  return () => rm(folder, { recursive: true })
})

/** Serves the artifact by `answer`, which is given the bytes that were asked for. */
async function runOf(answer: (response: ServerResponse, bytes: Buffer) => void) {
  const url = await smallServer((request, response) => {
    const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
    const bytes = BYTES.subarray(from)
    const headers = { etag: '"1"', 'repr-digest': digestField(SHA256), 'content-length': bytes.length }
    answer(response.writeHead(from === 0 ? 200 : 206, headers), bytes)
  })
  return connect({ url, retries: 0 }).run('1')
}

test('a file has the longest name that a file can have', async () => {
  const run = await runOf((response, bytes) => response.end(bytes))
  const target = join(folder, 'n'.repeat(255))
  await saveFile(run, ARTIFACT, target, {})
  expect(await readFile(target)).toEqual(BYTES)
})

test('two who fetch one file to one place both have it', async () => {
  const held: (() => void)[] = []
  const run = await runOf((response, bytes) => {
    response.write(bytes.subarray(0, 100_000))
    held.push(() => response.end(bytes.subarray(100_000)))
  })
  const target = join(folder, 'a')
  const both = [saveFile(run, ARTIFACT, target, {}), saveFile(run, ARTIFACT, target, {})]
  await until(() => held.length === 2, { within: 10_000 })
  for (const go of held) go()
  await Promise.all(both)
  expect(await readFile(target)).toEqual(BYTES)
  expect(await readdir(folder)).toEqual(['a'])
})

test('what has come of a file that nobody may write to can be gone on with', async () => {
  let isCut = true
  const run = await runOf((response, bytes) => {
    if (isCut) response.write(bytes.subarray(0, 100_000), () => setImmediate(() => response.destroy()))
    else response.end(bytes)
  })
  const target = join(folder, 'a')
  await expect(saveFile(run, { ...ARTIFACT, mode: 0o444 }, target, {})).rejects.toThrow()
  const [part = ''] = await readdir(folder)
  expect((await stat(join(folder, part))).mode & 0o600).toBe(0o600)
  isCut = false
  await saveFile(run, { ...ARTIFACT, mode: 0o444 }, target, {})
  expect((await stat(target)).mode & 0o777).toBe(0o444)
  expect(await readFile(target)).toEqual(BYTES)
})
