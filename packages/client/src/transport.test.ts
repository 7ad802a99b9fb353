import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { freePort } from '../../../test/support/free-port.ts'
import { smallServer } from './fixtures/small-server.ts'
import { connect, LadingError } from './node.ts'
import { digestField } from './sha256.ts'

const client = (url: string, retries = 5) => connect({ url, retryDelayMs: 5, retries })

test('what may pass is tried again, when the server says', async () => {
  let asked = 0
  const url = await smallServer((_request, response) => {
    const problem = { code: 'catalog_unavailable', detail: 'in a moment', retryable: true }
    if (++asked < 3) response.writeHead(503, { 'retry-after': '0' }).end(JSON.stringify(problem))
    else response.end('{"job_id": "1"}')
  })
  expect(await client(url).jobs.get('1')).toEqual({ job_id: '1' })
  expect(asked).toBe(3)
})

test('an answer that breaks off is asked for again', async () => {
  let asked = 0
  const url = await smallServer((_request, response) => {
    response.writeHead(200, { 'content-length': 15 })
    if (++asked === 1) response.write('{"job_', () => setImmediate(() => response.destroy()))
    else response.end('{"job_id": "1"}')
  })
  expect(await client(url).jobs.get('1')).toEqual({ job_id: '1' })
  expect(asked).toBe(2)
})

test('what stays is told at once, and what passes not is told in the end', async () => {
  let asked = 0
  const url = await smallServer((request, response) => {
    asked += 1
    response.writeHead(request.url?.endsWith('full') ? 507 : 404).end('<html>a proxy</html>')
  })
  await expect(client(url).jobs.get('gone')).rejects.toMatchObject({ code: 'http_error', status: 404 })
  expect(asked).toBe(1)
  await expect(client(url, 2).jobs.get('full')).rejects.toMatchObject({ status: 507, retryable: true })
  expect(asked).toBe(4)
})

test('a server that is not there, and one that is another, are told as such', async () => {
  const nobody = client(`http://127.0.0.1:${await freePort()}`, 0).jobs.get('1')
  await expect(nobody).rejects.toMatchObject({ code: 'connection_failed', retryable: true })
  await expect(nobody).rejects.toThrow(/127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  const url = await smallServer((_request, response) => void response.end('<html>'))
  await expect(client(url).jobs.get('1')).rejects.toThrow('is this a Lading server?')
})

test('a POST that is no repetition of itself is not sent again', async () => {
  let asked = 0
  const url = await smallServer((request) => {
    asked += 1
    request.socket.destroy()
  })
  await expect(client(url).createExperiment('a')).rejects.toBeInstanceOf(LadingError)
  expect(asked).toBe(1)
  await expect(client(url, 2).jobs.cancel('1')).rejects.toBeInstanceOf(LadingError)
  expect(asked).toBe(4)
})

test('a signal ends a call, and the waits between its tries', async () => {
  const controller = new AbortController()
  const url = await smallServer((_request, response) => {
    response.writeHead(503, { 'retry-after': '1000' }).end()
    response.once('close', () => setImmediate(() => controller.abort(new Error('enough'))))
  })
  const call = client(url).jobs.get('1', { signal: controller.signal })
  await expect(call).rejects.toThrow('enough')
})

/** Serves `served`, and breaks off once in the middle of it. */
function breakingServer(served: string, sha256: string) {
  const ranges: (string | undefined)[] = []
  const url = smallServer((request, response) => {
    const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
    ranges.push(request.headers.range)
    response.writeHead(from === 0 ? 200 : 206, {
      etag: '"1"',
      'content-length': served.length - from,
      'repr-digest': digestField(sha256),
    })
    if (from > 0) response.end(served.slice(from))
    else response.write(served.slice(0, 6), () => setImmediate(() => response.destroy()))
  })
  return { url, ranges }
}

test('a download that breaks goes on at the byte', async () => {
  const served = 'all of the bytes'
  const { url, ranges } = breakingServer(served, createHash('sha256').update(served).digest('hex'))
  expect(
    await (
      await client(await url)
        .run('1')
        .blob('a')
    ).text(),
  ).toBe(served)
  expect(ranges).toEqual([undefined, 'bytes=6-'])
})

test('a download of other bytes than were catalogued fails', async () => {
  const { url } = breakingServer('all of the bytes', createHash('sha256').update('other').digest('hex'))
  await expect(
    client(await url)
      .run('1')
      .blob('a'),
  ).rejects.toMatchObject({ code: 'digest_mismatch' })
})

test('a stream of which the server took other bytes fails', async () => {
  const url = await smallServer((request, response) => {
    const answer =
      request.method === 'PUT' ? { job_id: '1', artifact: 'a' } : { files: [FILE], next_cursor: null }
    request.resume().once('end', () => response.end(JSON.stringify(answer)))
  })
  const stream = new Blob(['bytes']).stream()
  await expect(client(url).run('1').logStream('a', stream)).rejects.toMatchObject({ code: 'digest_mismatch' })
})

const FILE = { path: 'a', sha256: '0'.repeat(64) }
