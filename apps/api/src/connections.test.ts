import { afterEach, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { request } from './fixtures/form.ts'
import { RawConnection } from './fixtures/raw-connection.ts'

let server: ApiUnderTest | undefined

afterEach(() => server?.[Symbol.asyncDispose]())

const health = request('GET /healthz', [])

test('an address has so many connections; one more is told so and closed, and there is room when one ends', async () => {
  server = await ApiUnderTest.start({ limits: { connectionsOfAddress: 2 } })
  const first = await RawConnection.open(server.port)
  using second = await RawConnection.open(server.port)
  expect((await first.send(health).answer()).status).toBe(200)
  expect((await second.send(health).answer()).status).toBe(200)

  using third = await RawConnection.open(server.port)
  const answer = await third.answer()
  expect([answer.status, answer.headers['retry-after'], JSON.parse(answer.body)]).toMatchObject([
    429,
    '1',
    { code: 'too_many_connections', detail: expect.stringMatching(/2 connections open, which is the limit/) },
  ])
  third.send(health).finish()
  await third.closed()

  expect((await second.send(health).answer()).status).toBe(200)
  first[Symbol.dispose]()
  await untilServed(server.port)
})

test.each([
  ['that stops in the midst of a field', 'GET /healthz HTTP/1.1\r\nHost: te'],
  ['that stops in the request line', 'GET /heal'],
])('a header %s is given up, answered with 408 and closed', async (_what, bytes) => {
  server = await ApiUnderTest.start({ limits: { headersTimeoutMs: 300 } })
  using connection = await RawConnection.open(server.port)
  const answer = await connection.send(bytes).answer()
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([408, { code: 'request_timeout' }])
  await connection.closed()
})

test('a connection on which nothing ever comes is closed', async () => {
  server = await ApiUnderTest.start({ limits: { headersTimeoutMs: 300, idleMs: 500 } })
  using connection = await RawConnection.open(server.port)
  await connection.closed()
})

/** The server learns of the end of a connection a moment after its client. */
async function untilServed(port: number): Promise<void> {
  for (;;) {
    using connection = await RawConnection.open(port)
    if ((await connection.send(health).answer()).status === 200) return
  }
}
