import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesOf, type ClientOfSystem, listed, startWithClient } from './fixtures/client-of-system.ts'
import { fileAt, type Progress, type Source } from './node.ts'

const MIB = 1024 * 1024

let harbour: ClientOfSystem

let folder: string

beforeAll(async () => {
  harbour = await startWithClient()
  folder = await mkdtemp(join(tmpdir(), 'lading-large-'))
})

afterAll(async () => {
  await harbour?.system.stop()
  await rm(folder, { recursive: true })
})

test('a large file goes in pieces, and its progress is told', async () => {
  const run = await harbour.run({ resumableFrom: 1_000_000, pieceBytes: 400_000 })
  const bytes = randomBytes(1_000_000)
  const told: Progress[] = []
  const upload = await run.logBytes('big', bytes, { onProgress: (progress) => told.push(progress) })
  expect(told.map(({ sent }) => sent)).toEqual([0, 400_000, 800_000, 1_000_000])
  await upload.delivered()
  expect(await bytesOf(run, 'big')).toEqual(bytes)
})

test('a large file goes on where the connection broke', async () => {
  let pieces = 0
  const breaking: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (init?.method === 'PATCH' && ++pieces % 2 === 0) throw new TypeError('the answer was lost')
    return answer
  }
  const run = await harbour.run({ fetch: breaking, resumableFrom: 1, pieceBytes: 100_000 })
  const bytes = randomBytes(500_000)
  await (await run.logBytes('big', bytes)).delivered()
  expect(pieces).toBe(5)
  expect(await bytesOf(run, 'big')).toEqual(bytes)
})

/** Bytes as a source that is no `Blob`, and how many of them were read. */
function countedSource(bytes: Buffer): { readonly source: Source; readonly read: () => number } {
  let read = 0
  const part = (start: number, end: number): Source => ({
    size: end - start,
    slice: (from, to) => part(start + from, Math.min(start + to, end)),
    stream: () =>
      new ReadableStream({
        pull(controller) {
          if (start < end) controller.enqueue(Uint8Array.from(bytes.subarray(start, end)))
          read += end - start
          controller.close()
        },
      }),
  })
  return { source: part(0, bytes.length), read: () => read }
}

test('a large file is read once: it is hashed while it is sent', async () => {
  const run = await harbour.run({ resumableFrom: 1, pieceBytes: 100_000 })
  const bytes = randomBytes(1_000_000)
  const { source, read } = countedSource(bytes)
  await (await run.logArtifact('big', source)).delivered()
  expect(read()).toBe(1_000_000)
  expect(await bytesOf(run, 'big')).toEqual(bytes)
})

test('what becomes other bytes on the way is refused, and nothing of it is kept', async () => {
  const damaging: typeof fetch = (input, init) => {
    const isPiece = init?.method === 'PATCH' && init.body instanceof Blob
    return fetch(input, isPiece ? { ...init, body: Buffer.alloc((init.body as Blob).size) } : init)
  }
  const run = await harbour.run({ fetch: damaging, resumableFrom: 1, pieceBytes: 100_000 })
  const upload = run.logBytes('big', randomBytes(300_000))
  await expect(upload).rejects.toMatchObject({ code: 'digest_mismatch' })
  expect(await listed(run.artifacts())).toEqual([])
})

test('a key is for one file: with other bytes it is refused, and with the same it is the same job', async () => {
  const run = await harbour.run({ resumableFrom: 1 })
  const options = { idempotencyKey: `key of ${run.id}` }
  const first = await run.logText('big', 'the bytes', options)
  expect((await run.logText('big', 'the bytes', options)).jobId).toBe(first.jobId)
  await expect(run.logText('big', 'The bytes', options)).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  })
})

test('a large file that is written to while it is sent is not accepted', async () => {
  const run = await harbour.run({ resumableFrom: 1, pieceBytes: 2 * MIB })
  const path = join(folder, 'growing')
  await writeFile(path, randomBytes(5 * MIB))
  const told: number[] = []
  const onProgress = ({ sent }: Progress) => {
    told.push(sent)
    if (sent === 2 * MIB) writeFileSync(path, 'x', { flag: 'a' })
  }
  const upload = run.logArtifact('growing', await fileAt(path), { onProgress })
  await expect(upload).rejects.toMatchObject({ code: 'file_changed', detail: expect.stringContaining(path) })
  expect(told.slice(0, 3)).toEqual([0, MIB, 2 * MIB])
  expect(await listed(run.artifacts())).toEqual([])
})

test('a large upload whose process is killed goes on in another, where it stood', async () => {
  const path = join(folder, 'large')
  const bytes = randomBytes(24 * MIB)
  await writeFile(path, bytes)
  const run = await harbour.run({ resumableFrom: 1, pieceBytes: 8 * MIB })
  const kept = await killedAfter(3 * MIB, [harbour.url, run.id, path, 'checkpoint-7'])
  const told: number[] = []
  const upload = await run.logArtifact('large', await fileAt(path), {
    idempotencyKey: 'checkpoint-7',
    onProgress: ({ sent }) => told.push(sent),
  })
  expect(told[0]).toBeGreaterThanOrEqual(kept)
  expect(told[0]).toBeLessThan(bytes.length)
  await upload.delivered()
  expect((await bytesOf(run, 'large')).equals(bytes)).toBe(true)
})

/** Bytes that the server had told the uploading process of, when that had so many and was killed. */
async function killedAfter(bytes: number, args: string[]): Promise<number> {
  const script = join(import.meta.dirname, 'fixtures', 'upload-large.ts')
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  let told = 0
  for await (const line of createInterface(child.stdout)) {
    told = Number(line)
    if (told >= bytes) child.kill('SIGKILL')
  }
  expect(await exit).toEqual([null, 'SIGKILL'])
  return told
}

test('every request of these tests is in the document of the API', () => harbour.expectInDocument())
