import { expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { smallServer } from './fixtures/small-server.ts'
import { connect, type FileToLog } from './node.ts'

/** Files, and whether whoever reads them has said that no more are wanted. */
function filesOf(count: number, then: Promise<void> = Promise.resolve()) {
  let isClosed = false
  async function* generate(): AsyncGenerator<FileToLog> {
    try {
      for (let n = 0; n < count; n++) yield { path: `${n}`, bytes: new Uint8Array(10) }
      await then
    } finally {
      isClosed = true
    }
  }
  return { files: generate(), isClosed: () => isClosed }
}

const FOREVER = new Promise<void>(() => undefined)

test.each([0, 3000])(
  'a signal ends the wait for a file that never comes, after %i that came',
  async (count) => {
    const stop = new AbortController()
    const url = await smallServer((request, response) => {
      request
        .resume()
        .once('end', () => response.end('{"job_id": "1", "state": "open", "files": {"total": 0}}'))
    })
    const { files } = filesOf(count, FOREVER)
    const logged = connect({ url })
      .run('1')
      .logArtifacts(files, { signal: stop.signal, onProgress: () => ask() })
    const asked = Promise.withResolvers<void>()
    const ask = asked.resolve
    if (count > 0) await asked.promise
    stop.abort(new Error('enough'))
    await expect(logged).rejects.toThrow('enough')
  },
)

test('files that are not wanted, as no job takes them, are told so', async () => {
  const url = await smallServer((request, response) => {
    request.resume().once('end', () => response.writeHead(403).end())
  })
  const { files, isClosed } = filesOf(3000)
  await expect(connect({ url }).run('1').logArtifacts(files)).rejects.toMatchObject({ status: 403 })
  await until(isClosed, { within: 10_000 })
})

test('files of a job that an earlier call has sealed are told that they are not wanted', async () => {
  const url = await smallServer((request, response) => {
    request.resume().once('end', () => response.end('{"job_id": "1", "state": "queued"}'))
  })
  const { files, isClosed } = filesOf(3000)
  const { jobId } = await connect({ url }).run('1').logArtifacts(files, { idempotencyKey: 'again' })
  expect(jobId).toBe('1')
  expect(isClosed()).toBe(true)
})

test('a callback that throws ends the upload, and the job is cancelled', async () => {
  const asked: (string | undefined)[] = []
  const url = await smallServer((request, response) => {
    asked.push(request.url?.split('/').at(-1))
    request
      .resume()
      .once('end', () => response.end('{"job_id": "1", "state": "open", "files": {"total": 0}}'))
  })
  const onProgress = () => {
    throw new TypeError('a fault of the caller')
  }
  const { files, isClosed } = filesOf(5000)
  const logged = connect({ url }).run('1').logArtifacts(files, { onProgress })
  await expect(logged).rejects.toThrow(new TypeError('a fault of the caller'))
  expect(asked).toContain('cancel')
  await until(isClosed, { within: 10_000 })
})
