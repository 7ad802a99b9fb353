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

test('a server that sends elsewhere is not followed: a POST would become a GET', async () => {
  const asked: (string | undefined)[] = []
  const url = await smallServer((request, response) => {
    asked.push(request.method)
    response.writeHead(302, { location: 'https://elsewhere.example/api' }).end()
  })
  await expect(client(url).createExperiment('a')).rejects.toMatchObject({
    code: 'http_error',
    detail: expect.stringMatching(/127\.0\.0\.1:\d+ sends elsewhere, to https:\/\/elsewhere\.example/),
  })
  expect(asked).toEqual(['POST'])
})

test('an answer in JSON that is no answer of Lading is none', async () => {
  const url = await smallServer((_request, response) => void response.end('{}'))
  const expected = { code: 'http_error', detail: expect.stringContaining('is this a Lading server?') }
  await expect(client(url).jobs.get('1')).rejects.toMatchObject(expected)
  await expect(client(url).createExperiment('a')).rejects.toMatchObject(expected)
  await expect(client(url).run('1').logText('a', 'b')).rejects.toMatchObject(expected)
  await expect(client(url).run('1').artifacts().next()).rejects.toMatchObject(expected)
})

test('a page of a proxy is told with the address that it came from', async () => {
  const url = await smallServer((_request, response) => response.writeHead(502).end('<html>Bad Gateway'))
  await expect(client(url, 0).jobs.get('1')).rejects.toThrow(`${url}: the answer was 502`)
})

test.each([
  ['localhost:8080', 'must begin with http:// or https://'],
  ['https://me:secret@lading.example', 'holds a name or a password'],
  ['https://lading.example/?a=b', 'has a "?" or "#"'],
])('the address %s is refused before anything is asked', (url, reason) => {
  expect(() => connect({ url })).toThrow(reason)
  expect(() => connect({ url })).not.toThrow('secret')
})

test('a key that no header can hold is refused, and not shown', () => {
  const url = 'http://localhost'
  for (const apiKey of ['“secret”', 'sec\nret'])
    expect(() => connect({ url, apiKey })).toThrow(/^option_invalid: apiKey has a character/)
  expect(() => connect({ url, tenant: 'sec\nret' })).toThrow('tenant has a character')
})

test('what fails here is not told as a fault of the server, and not sent again', async () => {
  let asked = 0
  const url = await smallServer((request, response) => {
    asked += 1
    request.resume().once('end', () => response.end('{}'))
  })
  const run = client(url).run('1')
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new TypeError('the disk is gone')),
  })
  await expect(run.logStream('a', broken)).rejects.toThrow(new TypeError('the disk is gone'))
  const onProgress = () => {
    throw new TypeError('a fault of the caller')
  }
  const stream = new Blob(['bytes']).stream()
  await expect(run.logStream('a', stream, { onProgress })).rejects.toThrow(
    new TypeError('a fault of the caller'),
  )
  expect(asked).toBeLessThanOrEqual(2)
})

test('a stream that the server refuses is not read further', async () => {
  const url = await smallServer((request, response) => {
    request.once('data', () => response.writeHead(403, { connection: 'close' }).end())
  })
  const cancelled = Promise.withResolvers<void>()
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    cancel: () => cancelled.resolve(),
  })
  await expect(client(url).run('1').logStream('a', endless)).rejects.toBeInstanceOf(LadingError)
  await cancelled.promise
})

test('a POST that a proxy did not bring to its end is not sent again', async () => {
  let asked = 0
  const url = await smallServer((_request, response) => {
    asked += 1
    response.writeHead(504).end('<html>Gateway Timeout')
  })
  await expect(client(url).createExperiment('a')).rejects.toMatchObject({ status: 504 })
  expect(asked).toBe(1)
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

test('a download that nobody can compare fails: the page of a proxy is no artifact', async () => {
  const url = await smallServer((_request, response) => void response.end('<html>log in'))
  await expect(client(url).run('1').blob('a')).rejects.toMatchObject({ code: 'http_error' })
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
